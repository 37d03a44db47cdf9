/**
 * The shape of an ONNX file as protobuf: every length inside its message, every field of the wire type the schema gives it, no
 * message nested too deep, no single message given twice. What passes can be decoded without surprises.
 *
 * protobufjs recurses per nested message, merges nothing, ignores what it does not know and trusts wire types, while C++
 * protobuf (onnxruntime) refuses or merges: so the bytes are walked once here, with an explicit stack and byte positions.
 */
import { Refused } from '../../protocol/refused.ts';

/** v varint, l length-delimited, f fixed32, V and F repeated numbers (packed or not), D repeated fixed64, `m:` messages, `s:` one message. */
const schema: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  Model: { 1: 'v', 2: 'l', 3: 'l', 4: 'l', 5: 'v', 6: 'l', 7: 's:Graph', 8: 'm:Opset', 14: 'm:Entry', 20: 'm:Training', 25: 'm:Function' },
  Opset: { 1: 'l', 2: 'v' },
  Entry: { 1: 'l', 2: 'l' },
  Training: { 1: 's:Graph', 2: 's:Graph', 3: 'm:Entry', 4: 'm:Entry' },
  Function: { 1: 'l', 2: 'v', 3: 'v', 4: 'l', 5: 'l', 6: 'l', 7: 'm:Node', 8: 'l', 9: 'm:Opset', 10: 'l', 11: 'm:Attribute' },
  Graph: {
    1: 'm:Node',
    2: 'l',
    5: 'm:Tensor',
    10: 'l',
    11: 'm:ValueInfo',
    12: 'm:ValueInfo',
    13: 'm:ValueInfo',
    14: 'm:Annotation',
    15: 'm:Sparse',
  },
  Annotation: { 1: 'l', 2: 'm:Entry' },
  Node: { 1: 'l', 2: 'l', 3: 'l', 4: 'l', 5: 'm:Attribute', 6: 'l', 7: 'l' },
  Attribute: {
    1: 'l',
    2: 'f',
    3: 'v',
    4: 'l',
    5: 's:Tensor',
    6: 's:Graph',
    7: 'F',
    8: 'V',
    9: 'l',
    10: 'm:Tensor',
    11: 'm:Graph',
    13: 'l',
    14: 's:Type',
    15: 'm:Type',
    20: 'v',
    21: 'l',
    22: 's:Sparse',
    23: 'm:Sparse',
  },
  Tensor: {
    1: 'V',
    2: 'v',
    3: 's:Segment',
    4: 'F',
    5: 'V',
    6: 'l',
    7: 'V',
    8: 'l',
    9: 'l',
    10: 'D',
    11: 'V',
    12: 'l',
    13: 'm:Entry',
    14: 'v',
  },
  Segment: { 1: 'v', 2: 'v' },
  Sparse: { 1: 's:Tensor', 2: 's:Tensor', 3: 'V' },
  ValueInfo: { 1: 'l', 2: 's:Type', 3: 'l' },
  Type: { 1: 's:TensorType', 4: 's:OneType', 5: 's:MapType', 6: 'l', 8: 's:TensorType', 9: 's:OneType' },
  TensorType: { 1: 'v', 2: 's:Shape' },
  OneType: { 1: 's:Type' },
  MapType: { 1: 'v', 2: 's:Type' },
  Shape: { 1: 'm:Dimension' },
  Dimension: { 1: 'v', 2: 'l', 3: 'l' },
};

const DEPTH = 32;
const WIRE_TYPES: Readonly<Record<string, readonly number[]>> = { v: [0], l: [2], f: [5], V: [0, 2], F: [5, 2], D: [1, 2], m: [2], s: [2] };

interface Frame {
  readonly message: string;
  readonly end: number;
  readonly once: Set<number>;
}

/** Refuses bytes that are not a well-formed ONNX ModelProto. */
export function scanModel(bytes: Uint8Array): void {
  let at = 0;
  const truncated = (start: number, what: string): never => {
    throw new Refused('onnx.truncated', `the file is cut short or damaged: ${what} at byte ${start} runs past byte ${bytes.length}`, {
      byte: start,
      bytes: bytes.length,
    });
  };
  const varint = (end: number): number => {
    const start = at;
    let value = 0;
    for (let i = 0; ; i++) {
      if (i === 10)
        throw new Refused('onnx.malformed', `a number at byte ${start} has more than ten bytes: not an ONNX file`, { byte: start });
      if (at >= end) truncated(start, 'a number');
      const b = bytes[at++] as number;
      value += (b & 127) * 2 ** (7 * i);
      if (b < 128) return value;
    }
  };
  const stack: Frame[] = [{ message: 'Model', end: bytes.length, once: new Set() }];
  while (stack.length > 0) {
    const frame = stack[stack.length - 1] as Frame;
    if (at === frame.end) {
      stack.pop();
      continue;
    }
    const start = at;
    const tag = varint(frame.end);
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    const place = `field ${field} of ${frame.message}Proto at byte ${start}`;
    if (field === 0 || tag >= 2 ** 32)
      throw new Refused('onnx.malformed', `byte ${start} holds no protobuf field: not an ONNX file`, { byte: start });
    const kind = schema[frame.message]?.[field];
    const letter = kind?.[0];
    if (letter !== undefined && !WIRE_TYPES[letter]?.includes(wire))
      throw new Refused('onnx.malformed', `${place} has wire type ${wire}: not an ONNX file`, { byte: start });
    if (wire === 0) varint(frame.end);
    else if (wire === 1 || wire === 5) {
      at += wire === 1 ? 8 : 4;
      if (at > frame.end) truncated(start, 'a number');
    } else if (wire === 2) {
      const length = varint(frame.end);
      if (length > frame.end - at) {
        if (at + length > bytes.length) truncated(start, `${place.replace(/ at .*/, '')} (${length} bytes)`);
        throw new Refused('onnx.malformed', `${place} claims ${length} bytes, more than its message has`, { byte: start });
      }
      if (letter === 'm' || letter === 's') {
        if (letter === 's' && frame.once.has(field)) throw new Refused('onnx.malformed', `${place} is given twice`, { byte: start });
        if (stack.length >= DEPTH)
          throw new Refused('onnx.too-deep', `${place} is nested ${stack.length} messages deep; the limit is ${DEPTH}`, { byte: start });
        frame.once.add(field);
        stack.push({ message: (kind as string).slice(2), end: at + length, once: new Set() });
      } else {
        if (letter === 'F' && length % 4 !== 0)
          throw new Refused('onnx.malformed', `${place} holds ${length} bytes of 4-byte numbers`, { byte: start });
        if (letter === 'D' && length % 8 !== 0)
          throw new Refused('onnx.malformed', `${place} holds ${length} bytes of 8-byte numbers`, { byte: start });
        if (letter === 'V' && length > 0 && (bytes[at + length - 1] as number) >= 128)
          throw new Refused('onnx.malformed', `${place} ends inside a number`, { byte: start });
        at += length;
      }
    } else throw new Refused('onnx.malformed', `${place} has wire type ${wire}: not an ONNX file`, { byte: start });
  }
}
