/**
 * Reads a body whole, decoded, and never past its limit: neither the bytes on the wire nor what they unpack to.
 *
 * A body that ends early is an error, never a shorter body.
 */
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib'
import { ResponseTooLargeError } from './http-errors.ts'
import { errorCode, redactUrl } from './redact.ts'
import { TransportFailure } from './transport-failure.ts'

const decoders = {
  gzip: promisify(gunzip),
  br: promisify(brotliDecompress),
}
const inflateZlib = promisify(inflate)
const inflateBare = promisify(inflateRaw)

export interface BodyLimits {
  readonly method: string
  /** For error texts. */
  readonly url: string
  readonly bodyBytesMax: number
}

interface BodyStream extends AsyncIterable<unknown> {
  arrayBuffer(): Promise<ArrayBuffer>
  destroy(): unknown
}

/** @throws ResponseTooLargeError; TransportFailure when the body cannot be decoded */
export async function readBody(
  stream: BodyStream,
  headers: ReadonlyMap<string, string>,
  limits: BodyLimits,
): Promise<Uint8Array> {
  const announced = Number(headers.get('content-length') ?? '0')
  // The length in an answer to HEAD is that of a body which does not come.
  if (limits.method !== 'HEAD' && announced > limits.bodyBytesMax) {
    // Reading on to reuse the connection would read what we just refused.
    await discard(stream)
    throw tooLarge(limits)
  }
  // The parser holds a body to its announced length, so nothing needs to be counted, and this way is much faster.
  const encoded = announced > 0 ? new Uint8Array(await stream.arrayBuffer()) : await collect(stream, limits)
  return decode(encoded, headers.get('content-encoding'), limits)
}

async function collect(stream: BodyStream, limits: BodyLimits): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) continue
    length += chunk.byteLength
    if (length > limits.bodyBytesMax) throw tooLarge(limits)
    chunks.push(chunk)
  }
  const [only] = chunks
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, length)
}

async function discard(stream: BodyStream): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]()
  await iterator.return?.()
  stream.destroy()
}

async function decode(
  encoded: Uint8Array,
  encoding: string | undefined,
  limits: BodyLimits,
): Promise<Uint8Array> {
  const steps = (encoding ?? '')
    .toLowerCase()
    .split(',')
    .map((step) => step.trim())
    .filter((step) => step !== '' && step !== 'identity')
  if (encoded.byteLength === 0 || steps.length === 0) return encoded
  // The sender lists encodings in the order it applied them.
  let body = encoded
  for (const step of steps.toReversed()) body = await decodeStep(body, step, limits)
  return body
}

async function decodeStep(body: Uint8Array, step: string, limits: BodyLimits): Promise<Uint8Array> {
  const options = { maxOutputLength: Math.max(1, limits.bodyBytesMax) }
  try {
    switch (step) {
      case 'gzip':
      case 'x-gzip':
        return await decoders.gzip(body, options)
      case 'br':
        return await decoders.br(body, options)
      case 'deflate':
        // Servers disagree on what deflate means; a zlib header tells which it is (RFC 9110 section 8.4.1.2).
        return ((body[0] ?? 0) & 15) === 8
          ? await inflateZlib(body, options)
          : await inflateBare(body, options)
      default:
        throw new TransportFailure(
          'garbled',
          `its body has the unknown encoding ${JSON.stringify(step)}`,
          false,
        )
    }
  } catch (error) {
    if (error instanceof TransportFailure) throw error
    if (errorCode(error) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limits)
    throw new TransportFailure('garbled', 'its compressed body is cut short or damaged', true, {
      cause: error,
    })
  }
}

function tooLarge(limits: BodyLimits): ResponseTooLargeError {
  return new ResponseTooLargeError(redactUrl(limits.url), limits.bodyBytesMax)
}
