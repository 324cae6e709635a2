/** What tenants, users and sessions may spend, what they have spent, and what is left. */
import type { Json } from '../api';
import { dateTime, number, percent, usd, words } from '../format';
import { usePolled } from '../hooks';
import { Bar, Card, Nothing, Table, Trouble } from '../parts';

const refreshMs = 5_000;

const limits = [
  ['limitUsd', 'spentUsd', 'reservedUsd', usd],
  ['limitTokens', 'spentTokens', 'reservedTokens', (value: number) => `${number(value)} tokens`],
  ['limitCalls', 'spentCalls', 'reservedCalls', (value: number) => `${number(value)} decisions`],
] as const;

export function BudgetsPage() {
  const { data, error } = usePolled('v1/budgets', refreshMs);
  if (!data) return error === null ? <Nothing>Asking the gateway …</Nothing> : <Trouble error={error} />;
  return (
    <>
      <Trouble error={error} />
      <Card
        title="Accounts"
        note="One for each owner that a request was made for in the period. What is reserved is held for calls that were not reported yet."
        wide
      >
        {data.accounts.length === 0 ? (
          <Nothing>
            {data.configured.length === 0
              ? 'Nobody has a budget: nothing limits what is spent. The section budgets of the configuration sets them.'
              : 'Nobody has spent anything yet: an account is there once a request was under its budget.'}
          </Nothing>
        ) : (
          <Table
            label="Accounts"
            head={['Budget', 'Owner', 'Level', 'Spent', 'Of', 'Reserved', 'Pace', 'Refused', 'Period ends']}
          >
            {data.accounts.map((account: Json) => (
              <AccountRow key={account.account} account={account} />
            ))}
          </Table>
        )}
        {data.omitted > 0 && <p class="note">{number(data.omitted)} further accounts: ask the API for one owner.</p>}
      </Card>
      {data.configured.length > 0 && (
        <Card title="Budgets" note="As configured." wide>
          <Table label="Budgets" head={['Budget', 'For', 'Period', 'Limits', 'Nearly spent', 'At the limit', 'Pace']}>
            {data.configured.map((budget: Json) => (
              <tr key={budget.name}>
                <th scope="row">{budget.name}</th>
                <td>{budget.of ?? `each ${budget.scope}`}</td>
                <td>{budget.period}</td>
                <td class="figure">
                  {limits
                    .filter(([limit]) => budget[limit] !== null)
                    .map(([limit, , , format]) => format(budget[limit]))
                    .join(', ') || 'none'}
                </td>
                <td>
                  {percent(budget.softShare)}: {budget.atSoft}
                </td>
                <td>{budget.atLimit}</td>
                <td>{budget.pace}</td>
              </tr>
            ))}
          </Table>
        </Card>
      )}
    </>
  );
}

function AccountRow({ account }: { readonly account: Json }) {
  const { level, pacedUsd, pricePerUsd } = account;
  const set = limits.filter(([limit]) => account[limit] !== null);
  // A budget without any limit still says what was spent.
  const shown = set.length > 0 ? set : [limits[0]];
  return (
    <tr>
      <th scope="row">{account.budget}</th>
      <td>{account.owner}</td>
      <td>
        <span class={`badge ${level === 'OK' ? 'good' : level === 'SOFT' ? 'warn' : 'bad'}`}>
          {level === 'SOFT' ? 'nearly spent' : words(level)}
        </span>
      </td>
      <td class="figure">
        {shown.map(([limit, spent, , format]) => (
          <div key={limit}>
            {account[limit] > 0 && <Bar share={account[spent] / account[limit]} />}
            {format(account[spent])}
          </div>
        ))}
      </td>
      <td class="figure">
        {shown.map(([limit, , , format]) => (
          <div key={limit}>{account[limit] === null ? 'no limit' : format(account[limit])}</div>
        ))}
      </td>
      <td class="figure">
        {shown.map(([limit, , reserved, format]) => (
          <div key={limit}>{format(account[reserved])}</div>
        ))}
      </td>
      <td class="figure">
        {pacedUsd === null ? 'none' : `${usd(pacedUsd)} by now`}
        {pricePerUsd > 0 && <span class="badge warn">cheaper models</span>}
      </td>
      <td class="figure">{number(account.refusals)}</td>
      <td class="figure">{account.periodEndMs === null ? 'never' : dateTime(account.periodEndMs)}</td>
    </tr>
  );
}
