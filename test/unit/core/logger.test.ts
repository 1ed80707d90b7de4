import { describe, expect, it } from 'vitest';
import { createLogger, LOG_LEVELS, type LogLevel } from '../../../src/core/logger.ts';

function loggerOf(format: 'json' | 'pretty', level: LogLevel = 'debug') {
  const lines: string[] = [];
  const now = () => Date.UTC(2026, 10, 27, 8, 9, 10, 11);
  const log = createLogger({ level, format, write: (line) => lines.push(line), now });
  return { log, lines };
}

describe('as JSON', () => {
  it('a line has its time, level, message and fields, those that are there', () => {
    const { log, lines } = loggerOf('json');
    log.info('turn', { turn_id: 't1', tokens: 5, model: undefined, error: undefined });
    expect(lines).toEqual([
      '{"time":"2026-11-27T08:09:10.011Z","level":"info","message":"turn","turn_id":"t1","tokens":5}',
    ]);
  });

  it('is one line, whatever a field holds', () => {
    const { log, lines } = loggerOf('json');
    log.warn('two\nlines', { path: '/a\r\nlevel=error', error: new Error('a\nb') });
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/[\r\n]/u);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ path: '/a\r\nlevel=error' });
  });

  it('tells an error with its cause, its code and where it came from', () => {
    const { log, lines } = loggerOf('json');
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', body: 'secret' });
    log.error('the database does not answer', { error: new TypeError('fetch failed', { cause }) });
    const line = JSON.parse(lines[0] ?? '') as { error: { stack: string[] } };
    expect(line).toMatchObject({
      level: 'error',
      message: 'the database does not answer',
      error: {
        name: 'TypeError',
        message: 'fetch failed',
        cause: { name: 'Error', message: 'refused', code: 'ECONNREFUSED' },
      },
    });
    expect(line.error.stack[0]).toContain('logger.test.ts');
    expect(lines[0]).not.toContain('secret');
  });

  it('takes whatever was thrown, however long or deep', () => {
    const { log, lines } = loggerOf('json');
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const deep = new Error('deep');
    deep.cause = deep;
    for (const error of ['text', 5, null, circular, deep, new Error('x'.repeat(1e6))])
      log.error('odd', { error });
    expect(lines).toHaveLength(6);
    for (const line of lines) expect(line.length).toBeLessThan(20_000);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ error: { message: 'text' } });
  });
});

describe('on a terminal', () => {
  it('a line is short, and a value with spaces is quoted', () => {
    const { log, lines } = loggerOf('pretty');
    log.info('turn', { status: 'complete', ms: 12, model: 'a b', gone: null });
    expect(lines).toEqual(['08:09:10.011 INFO  turn status=complete ms=12 model="a b"']);
  });

  it('an error follows in lines of its own', () => {
    const { log, lines } = loggerOf('pretty');
    log.error('it broke', { error: new Error('here', { cause: new Error('there') }) });
    expect(lines[0]).toMatch(/^08:09:10.011 ERROR it broke\n {2}Error: here\n {4}at /u);
    expect(lines[0]).toContain('because of\n  Error: there');
  });
});

it.each(LOG_LEVELS)('at level %s only that and what is worse is told', (level) => {
  const { log, lines } = loggerOf('pretty', level);
  for (const each of LOG_LEVELS) log[each](each);
  expect(lines.map((line) => line.split(' ').at(-1))).toEqual(
    LOG_LEVELS.slice(0, LOG_LEVELS.indexOf(level) + 1),
  );
});
