/**
 * Checks requests signed with AWS Signature Version 4 as AWS does: over the very headers and body that came. A client that
 * changes anything on the way after signing is refused.
 */
import { createHash, createHmac } from 'node:crypto'
import type { FakeRequest } from './fake-server.ts'

export interface AwsKey {
  readonly secret: string
  /** Of temporary credentials. */
  readonly sessionToken?: string
}

export type SignatureVerdict =
  | {
      readonly kind: 'valid'
      readonly accessKeyId: string
      readonly region: string
      readonly service: string
    }
  | { readonly kind: 'refused'; readonly type: string; readonly message: string }

const header =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/

export function checkSignature(
  request: FakeRequest,
  keyOf: (accessKeyId: string) => AwsKey | undefined,
): SignatureVerdict {
  const [, accessKeyId = '', day = '', region = '', service = '', signed = '', signature] =
    header.exec(request.headers.authorization ?? '') ?? []
  if (signature === undefined)
    return refuse('MissingAuthenticationTokenException', 'Missing Authentication Token')
  const key = keyOf(accessKeyId)
  const token = request.headers['x-amz-security-token']
  if (key === undefined || (key.sessionToken === undefined && token !== undefined))
    return refuse('UnrecognizedClientException', 'The security token included in the request is invalid.')
  if (key.sessionToken !== token)
    return refuse('ExpiredTokenException', 'The security token included in the request is expired')
  const expected = sign(request, { secret: key.secret, day, region, service, signed: signed.split(';') })
  if (expected !== signature)
    return refuse('InvalidSignatureException', 'The request signature we calculated does not match.')
  return { kind: 'valid', accessKeyId, region, service }
}

interface Scope {
  readonly secret: string
  readonly day: string
  readonly region: string
  readonly service: string
  readonly signed: readonly string[]
}

function sign({ method, url, headers, body }: FakeRequest, scope: Scope): string {
  const { secret, day, region, service, signed } = scope
  const canonical = [
    method,
    url.pathname,
    [...url.searchParams]
      .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
      .toSorted()
      .join('&'),
    ...signed.map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signed.join(';'),
    sha256(body),
  ].join('\n')
  const at = String(headers['x-amz-date'])
  const toSign = ['AWS4-HMAC-SHA256', at, `${day}/${region}/${service}/aws4_request`, sha256(canonical)]
  const key = [day, region, service, 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${secret}`))
  return hmac(key, toSign.join('\n')).toString('hex')
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function refuse(type: string, message: string): SignatureVerdict {
  return { kind: 'refused', type, message }
}
