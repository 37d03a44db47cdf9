import type { Lamp } from '../../chain/light/lamps.ts';
import { LAMPS, type LampName } from '../chain/messages.ts';
import { sentence } from '../format.ts';

const TITLES: Readonly<Record<LampName, string>> = { chain: 'Chain', record: 'Record', proof: 'Proof', answer: 'Answer' };
/** A shape and a word each, so that nobody needs the colour. */
const LOOKS: Readonly<Record<Lamp['color'], { readonly word: string; readonly path: string }>> = {
  green: { word: 'Good', path: 'M6.5 12.5l4 4 7-8.5' },
  grey: { word: 'Cannot tell', path: 'M7 12h10' },
  red: { word: 'Wrong', path: 'M8 8l8 8M16 8l-8 8' },
};

/** Four lamps side by side. Each speaks for itself; there is no fifth that sums them up. */
export function Lamps({ lamps }: { lamps: Readonly<Record<LampName, Lamp>> }) {
  return (
    <>
      {/* Said when a colour changes, not when a sentence has a newer height. */}
      <p class="unseen" role="status">
        {LAMPS.map((name) => `${TITLES[name]}: ${LOOKS[lamps[name].color].word}.`).join(' ')}
      </p>
      <ul class="lamps">
        {LAMPS.map((name) => {
          const { color, code, text } = lamps[name];
          const { word, path } = LOOKS[color];
          return (
            <li key={name} class={`lamp ${color}`} data-lamp={name} data-color={color} data-code={code}>
              <h3>
                <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
                  <circle cx="12" cy="12" r="11" />
                  <path d={path} />
                </svg>
                {TITLES[name]}
              </h3>
              <p class="word">{word}</p>
              <p class="what">{sentence(text)}</p>
              <code>{code}</code>
            </li>
          );
        })}
      </ul>
    </>
  );
}
