/**
 * Decodes bodies, never past their limit, which holds for what they unpack to as for the bytes on the wire.
 *
 * A body that is cut short or damaged is an error, never a shorter body.
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
  /** For error texts. */
  readonly url: string
  readonly bodyBytesMax: number
}

/**
 * The body as it was before it was encoded for the way.
 *
 * @throws ResponseTooLargeError; TransportFailure when it cannot be decoded
 */
export async function decodeBody(
  encoded: Uint8Array,
  encoding: string | undefined,
  limits: BodyLimits,
): Promise<Uint8Array> {
  if (encoding === undefined || encoded.byteLength === 0) return encoded
  const steps = encoding
    .toLowerCase()
    .split(',')
    .map((step) => step.trim())
    .filter((step) => step !== '' && step !== 'identity')
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
