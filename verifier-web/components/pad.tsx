import { useEffect, useRef } from 'preact/hooks';
import { toDigit } from '../digit.ts';

const SIDE = 280;
const WIDTH = 22;

/**
 * A pad to draw a digit on: pointer, or keyboard (arrow keys move the pen, space sets it down and lifts it, Escape clears).
 * `onInk` gets the digit as the model reads it after every stroke, null for an empty pad.
 */
export function Pad({ onInk }: { onInk: (digit: Float32Array | null) => void }) {
  const ref = useRef<HTMLCanvasElement>(null);
  const pen = useRef({ x: SIDE / 2, y: SIDE / 4, down: false, keyboard: false });
  const cursor = useRef<HTMLSpanElement>(null);

  const context = (): CanvasRenderingContext2D => ref.current?.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
  const line = (x: number, y: number): void => {
    const c = context();
    c.lineCap = 'round';
    c.lineWidth = WIDTH;
    c.strokeStyle = '#fff';
    c.beginPath();
    c.moveTo(pen.current.x, pen.current.y);
    c.lineTo(x, y);
    c.stroke();
    Object.assign(pen.current, { x, y });
  };
  const read = (): void => {
    const { data } = context().getImageData(0, 0, SIDE, SIDE);
    onInk(
      toDigit(
        Float32Array.from({ length: SIDE * SIDE }, (_, i) => (data[4 * i + 3] as number) / 255),
        SIDE,
        SIDE,
      ),
    );
  };
  const clear = (): void => {
    context().clearRect(0, 0, SIDE, SIDE);
    Object.assign(pen.current, { x: SIDE / 2, y: SIDE / 4, down: false });
    showCursor();
    onInk(null);
  };
  const showCursor = (): void => {
    const c = cursor.current;
    if (c === null) return;
    c.hidden = !pen.current.keyboard;
    c.className = pen.current.down ? 'cursor down' : 'cursor';
    c.style.left = `${(100 * pen.current.x) / SIDE}%`;
    c.style.top = `${(100 * pen.current.y) / SIDE}%`;
  };

  useEffect(() => {
    const canvas = ref.current;
    if (canvas === null) return;
    const at = (e: PointerEvent): [number, number] => {
      const box = canvas.getBoundingClientRect();
      return [((e.clientX - box.left) * SIDE) / box.width, ((e.clientY - box.top) * SIDE) / box.height];
    };
    const down = (e: PointerEvent): void => {
      if (e.button !== 0) return;
      canvas.setPointerCapture(e.pointerId);
      const [x, y] = at(e);
      pen.current = { x, y, down: true, keyboard: false };
      showCursor();
      line(x + 0.01, y);
    };
    const move = (e: PointerEvent): void => {
      if (pen.current.down && !pen.current.keyboard) for (const p of e.getCoalescedEvents?.().concat(e) ?? [e]) line(...at(p));
    };
    const up = (): void => {
      if (!pen.current.down || pen.current.keyboard) return;
      pen.current.down = false;
      read();
    };
    const key = (e: KeyboardEvent): void => {
      const step = e.shiftKey ? 4 : 14;
      const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[e.key] ?? [0, 0];
      if (e.key !== ' ' && e.key !== 'Escape' && dx === 0 && dy === 0) return;
      e.preventDefault();
      pen.current.keyboard = true;
      const clamp = (v: number): number => Math.min(SIDE - WIDTH / 2, Math.max(WIDTH / 2, v));
      if (e.key === 'Escape') clear();
      else if (e.key === ' ') {
        pen.current.down = !pen.current.down;
        if (pen.current.down) line(pen.current.x + 0.01, pen.current.y);
        read();
      } else {
        const [x, y] = [clamp(pen.current.x + (dx ?? 0)), clamp(pen.current.y + (dy ?? 0))];
        if (pen.current.down) line(x, y);
        else Object.assign(pen.current, { x, y });
      }
      showCursor();
    };
    canvas.addEventListener('pointerdown', down);
    canvas.addEventListener('pointermove', move);
    canvas.addEventListener('pointerup', up);
    canvas.addEventListener('pointercancel', up);
    canvas.addEventListener('keydown', key);
    return () => {
      canvas.removeEventListener('pointerdown', down);
      canvas.removeEventListener('pointermove', move);
      canvas.removeEventListener('pointerup', up);
      canvas.removeEventListener('pointercancel', up);
      canvas.removeEventListener('keydown', key);
    };
  }, []);

  return (
    <div class="pad">
      <div class="paper">
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: a pad takes keys of its own, which is what this role says */}
        <canvas
          ref={ref}
          id="pad"
          width={SIDE}
          height={SIDE}
          tabIndex={0}
          role="application"
          aria-label="Drawing pad"
          aria-describedby="pad-help"
        />
        <span class="cursor" ref={cursor} hidden />
      </div>
      <div class="row">
        <button type="button" id="wipe" onClick={clear}>
          Wipe
        </button>
        <p id="pad-help">Keys: arrows move, space sets the pen down and lifts it, Escape wipes.</p>
      </div>
    </div>
  );
}
