/** The answers of a real API server, to the letter: what a client sees when things go wrong. */

export interface FakeAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export function statusAnswer(
  code: number,
  reason: string,
  message: string,
  more: { readonly metadata?: object; readonly details?: object } = {},
): FakeAnswer {
  const { metadata = {}, details } = more
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata,
    status: 'Failure',
    message,
    reason,
    ...(details && { details }),
    code,
  }
  return { status: code, body }
}

export const unauthorized: FakeAnswer = statusAnswer(401, 'Unauthorized', 'Unauthorized')

/** For a group nobody serves. */
export const pageNotFound: FakeAnswer = { status: 404, body: '404 page not found\n' }

/** For a kind that a served group does not have. */
export const resourceNotFound: FakeAnswer = statusAnswer(
  404,
  'NotFound',
  'the server could not find the requested resource',
  {
    details: {},
  },
)

/** What the aggregation layer says of an API service that is down. */
export const serviceUnavailable: FakeAnswer = { status: 503, body: 'service unavailable\n' }

export function objectNotFound(resource: string, name: string): FakeAnswer {
  return statusAnswer(404, 'NotFound', `${resource} "${name}" not found`, {
    details: { name, kind: resource },
  })
}

export function forbidden(
  user: string,
  verb: string,
  resource: string,
  group: string,
  namespace: string | undefined,
): FakeAnswer {
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
  const message = `${resource} is forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "${group}" ${where}`
  return statusAnswer(403, 'Forbidden', message, {
    details: { kind: resource, ...(group !== '' && { group }) },
  })
}

/** With a fresh token, which leads into another moment: a trap. */
export function expired(token: string): FakeAnswer {
  const message =
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.'
  return statusAnswer(410, 'Expired', message, { metadata: { continue: token } })
}

export const badContinue: FakeAnswer = statusAnswer(
  400,
  'BadRequest',
  'continue key is not valid: illegal base64 data',
)
