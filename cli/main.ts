#!/usr/bin/env node
/** The `assay` command; everything is in program.ts. */
import { main } from './program.ts';

await main(process.argv.slice(2));
