/**
 * The whole screen of a terminal, for a command that lives in it. However the process ends, short of being killed, the
 * terminal is given back as it was: its own screen, its cursor, its keys.
 */
import type { ReadStream, WriteStream } from 'node:tty';
import { terminalText } from '../lib/terminal/terminal-text';
import type { Screen, ScreenEvents } from './io';

type Keys = Pick<ReadStream, 'setRawMode' | 'on' | 'off' | 'resume' | 'pause'>;
type Surface = Pick<WriteStream, 'write' | 'columns' | 'rows' | 'on' | 'off'>;
type ProcessEnd = {
  on(event: 'exit', listener: () => void): unknown;
  off(event: 'exit', listener: () => void): unknown;
};

// The other screen of the terminal, so that what was on the usual one is still there afterwards.
const enter = '\u001b[?1049h\u001b[?25l\u001b[2J';
const leave = '\u001b[?25h\u001b[?1049l';
const home = '\u001b[H';
const eraseToEndOfLine = '\u001b[K';
const eraseBelow = '\u001b[J';
const usualColumns = 80;
const usualRows = 24;
// Without lines of their own from the terminal these come as characters: Ctrl-C, Ctrl-D.
const quitKeys = ['q', 'Q', '\u0003', '\u0004'];

export function openScreen(keys: Keys, surface: Surface, end: ProcessEnd, events: ScreenEvents): Screen {
  let isOpen = true;
  const onData = (data: Buffer | string): void => {
    if (quitKeys.includes(String(data))) events.onQuit();
  };
  // A terminal that has gone has nobody before it.
  const onGone = (): void => events.onQuit();
  const onResize = (): void => events.onResize();
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    end.off('exit', close);
    keys.off('data', onData).off('end', onGone).off('error', onGone);
    surface.off('resize', onResize);
    try {
      keys.setRawMode(false);
    } catch {
      // It has gone: there is nothing to give back.
    }
    keys.pause();
    surface.write(leave);
  };
  end.on('exit', close);
  keys.on('data', onData).on('end', onGone).on('error', onGone);
  surface.on('resize', onResize);
  keys.setRawMode(true);
  keys.resume();
  surface.write(enter);
  return {
    get columns() {
      return surface.columns || usualColumns;
    },
    get rows() {
      return surface.rows || usualRows;
    },
    draw(lines) {
      // Each line erases only what is left of the one before it: a screen erased as a whole would flicker.
      if (isOpen)
        surface.write(home + lines.map((line) => terminalText(line) + eraseToEndOfLine).join('\r\n') + eraseBelow);
    },
    close,
  };
}
