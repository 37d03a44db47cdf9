/** The inference node and its client. */
export {
  type AskOptions,
  type AskUpdate,
  ask,
  type KeptAnswer,
  type KeptAsk,
  makeOrder,
  NodeRefused,
  NodeUnreachable,
  NotShown,
  type Offer,
  provenModel,
  readOffer,
  type Terms as AskTerms,
} from './ask.ts';
export type { Step, Terms } from './intake.ts';
export { type InferenceNode, type InferenceNodeOptions, startInferenceNode } from './node.ts';
export { type Runtime, RuntimeUnfit } from './onnxruntime.ts';
export { Problem } from './problem.ts';
export { type ServedModel, type ServeModelOptions, serveModel } from './served.ts';
