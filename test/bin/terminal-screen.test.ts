import { EventEmitter } from 'node:events';
import { openScreen } from '../../bin/terminal-screen';

function rig() {
  const written: string[] = [];
  const raw: boolean[] = [];
  const keys = Object.assign(new EventEmitter(), {
    setRawMode: (on: boolean) => void raw.push(on),
    resume: () => undefined,
    pause: () => undefined,
  });
  const surface = Object.assign(new EventEmitter(), {
    write: (text: string) => written.push(text) > 0,
    columns: 80,
    rows: 24,
  });
  const end = new EventEmitter();
  const happened = { quit: 0, resized: 0 };
  const screen = openScreen(keys as never, surface as never, end as never, {
    onQuit: () => happened.quit++,
    onResize: () => happened.resized++,
  });
  return { written, raw, keys, surface, end, happened, screen };
}

const left = '\u001b[?25h\u001b[?1049l';

test.each(['q', 'Q', '\u0003', '\u0004'])('%j leaves; other keys do nothing', (key) => {
  const { keys, happened } = rig();
  keys.emit('data', Buffer.from('x'));
  keys.emit('data', Buffer.from('\u001b[A'));
  expect(happened.quit).toBe(0);
  keys.emit('data', Buffer.from(key));
  expect(happened.quit).toBe(1);
});

test('a terminal that is gone leaves, too', () => {
  const { keys, happened } = rig();
  keys.emit('end');
  keys.emit('error', new Error('EIO'));
  expect(happened.quit).toBe(2);
});

test('it draws over itself, and knows its size as it is now', () => {
  const { surface, written, happened, screen } = rig();
  screen.draw(['one', 'two']);
  expect(written.at(-1)).toBe('\u001b[Hone\u001b[K\r\ntwo\u001b[K\u001b[J');
  Object.assign(surface, { columns: 132, rows: 50 });
  surface.emit('resize');
  expect([happened.resized, screen.columns, screen.rows]).toEqual([1, 132, 50]);
});

test('closed, the terminal is as it was: once, nothing is listened to, nothing drawn', () => {
  const { keys, surface, end, written, raw, screen } = rig();
  screen.close();
  screen.close();
  screen.draw(['late']);
  expect(written.filter((text) => text === left)).toHaveLength(1);
  expect(written.at(-1)).toBe(left);
  expect(raw).toEqual([true, false]);
  expect([keys.listenerCount('data'), surface.listenerCount('resize'), end.listenerCount('exit')]).toEqual([0, 0, 0]);
});

test('when the process ends in the middle of it, the terminal is given back all the same', () => {
  const { end, written, raw } = rig();
  end.emit('exit');
  expect(written.at(-1)).toBe(left);
  expect(raw.at(-1)).toBe(false);
});
