import { checkIntegrity } from '../../../infra/tensorflow/integrity';

// printf abc | openssl dgst -sha512 -binary | base64
const integrity = 'sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==';

it('lets what was pinned pass, and nothing else', () => {
  expect(() => checkIntegrity('abc', Buffer.from('abc'), integrity)).not.toThrow();
  expect(() => checkIntegrity('some package', Buffer.from('abd'), integrity)).toThrow(
    /^some package is not what it was: its hash is sha512-.+, not sha512-3a81oZ/,
  );
});
