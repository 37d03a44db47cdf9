/** What an accepted verdict rests on, in sentences: the same for every proof system. */
import { learnt, SETUP_WORDS } from '../protocol/trust.ts';
import type { Verdict } from './library.ts';

export function trustSentences({ trust, inputs }: Extract<Verdict, { verdict: 'accepted' }>): string[] {
  const committed = inputs.some((tensor) => 'root' in tensor);
  return [
    `set-up ${trust.setup}: ${SETUP_WORDS[trust.setup].replace(/\.$/, '')}`,
    `security: ${trust.securityBits.toFixed(1)} bits, ${trust.security}, if ${trust.assumption}`,
    `not hidden: whoever has the proof learns ${learnt(trust, committed)}`,
    ...(trust.bindsContext ? [] : ['not bound to any context: it proves the same wherever and whenever it is shown']),
  ];
}
