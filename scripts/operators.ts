/** `node dist/scripts/operators.js`: writes docs/operators.md, every operator that the compiler reads, from its catalogue. */
import { writeFileSync } from 'node:fs';
import { ALWAYS, catalogue, type Entry, RELATIONS, type Relation } from '../compiler/quantized/ops/catalogue.ts';

export const OPERATORS_PAGE = 'docs/operators.md';

const between = ([least, most]: readonly [number, number]): string => (least === most ? `${least}` : `${least} to ${most}`);

function row(op: string, { relation, opsets, meaning, own }: Entry): string {
  const at = op.lastIndexOf('.');
  const { by, lookups, committed, rows }: Relation = RELATIONS[relation];
  const exact = own === null ? 'exact' : own === ALWAYS ? 'own meaning' : `exact, but own meaning ${own}`;
  const cells = [
    op.slice(at + 1),
    op.slice(0, Math.max(0, at)),
    between(opsets),
    meaning,
    by,
    between(lookups),
    between(committed),
    rows,
    exact,
  ];
  return `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
}

export function operatorsPage(): string {
  const order = Object.keys(RELATIONS);
  const entries = Object.entries(catalogue).sort(([, a], [, b]) => order.indexOf(a.relation) - order.indexOf(b.relation));
  return `# Operators

Every operator that the compiler reads, from \`compiler/quantized/ops/catalogue.ts\`; written by \`npm run build && node dist/scripts/operators.js\`.
Float operators stand between DequantizeLinear and QuantizeLinear.

- **Relation**: the op of the circuit that proves it ([protocol](protocol.md) §7). Of a function of two tensors. With a constant, it is a function of one tensor: unary, or req of lin where there is a constant a channel, with two lookups and up to three committed values.
  Two uses of one tensor are a function of one, too. A function right behind a requantisation, which nothing else reads, becomes a part of that and costs nothing; so does the next of a chain.
- **Lookups, committed**: for each element of the result, inside a network. MaxPool: for each step of a window. A result that is an output is not committed, and −1 says that the operand is not either. Accumulators may be shown instead of looked up (§7.7) where that is cheaper; \`assay check\` predicts the sum.
- **Rows**: of tables, once each however many elements there are; a row is one more committed value. Equal tables are one.
- **Exact**: the integers are those of onnxruntime on x86-64, to the bit. **Own meaning**: a definition of ours, as a rule the exact value rounded once, which was at most a step away from onnxruntime's in every comparison; \`assay check\` names every such node.

| operator | domain | opsets | meaning | relation | lookups | committed | rows | exactness |
|---|---|---|---|---|---|---|---|---|
${entries.map(([op, e]) => row(op, e)).join('\n')}
`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(OPERATORS_PAGE, operatorsPage());
