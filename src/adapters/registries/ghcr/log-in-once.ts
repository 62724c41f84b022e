/**
 * Sends the first request alone, so that one answer teaches how to log in, where sixteen at once would each be refused
 * first. Costs nothing: what waits is sent with the token that the first one fetched.
 */
import type { HttpClient } from '../../http/http-types.ts'

export function logInOnce(http: HttpClient): HttpClient {
  let first: Promise<void> | undefined
  return {
    get stats() {
      return http.stats
    },
    close: () => http.close(),
    request: async (request, options) => {
      if (first !== undefined) {
        await first
        return http.request(request, options)
      }
      const answer = http.request(request, options)
      // Whether it went well is for whoever sent it.
      first = answer.then(nothing, nothing)
      return answer
    },
  }
}

function nothing(): void {}
