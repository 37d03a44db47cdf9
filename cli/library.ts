/** The library as the command line sees it: the one place to change when its names do. */
export type { CheckReport, ChosenKernels, Form, NamedTensor, Progress, Verdict } from '../index.ts';
export { audit, check, chooseKernels, compile, describeInputs, emit, FORMS, inspect, openCircuit, run, verifyAny } from '../index.ts';
