/** Where the token of `api.auth` may go on the registry's word alone. */
import { describe, expect, it } from 'vitest'
import { requireOwnPlace } from './api-place.ts'

describe('requireOwnPlace', () => {
  it.each([
    ['https://gitlab.example.com/api/v4', 'https://gitlab.example.com:5050'],
    ['https://gitlab.example.com/api/v4', 'https://registry.example.com'],
    ['https://example.com/git/api/v4', 'https://registry.EXAMPLE.com.'],
    ['https://gitlab.example.co.uk/api/v4', 'https://registry.example.co.uk'],
    ['https://gitlab.com/api/v4', 'https://registry.gitlab.com'],
    ['http://10.0.0.7/api/v4', 'http://10.0.0.7:5050'],
    ['http://gitlab:8080/api/v4', 'http://gitlab:5050'],
  ])('takes %s for the GitLab of %s', (api, registry) => {
    expect(() => {
      requireOwnPlace(api, registry)
    }).not.toThrow()
  })

  it.each([
    ['https://gitlab.example.org/api/v4', 'https://registry.example.com'],
    ['https://example.com.evil.org/api/v4', 'https://registry.example.com'],
    ['https://notexample.com/api/v4', 'https://registry.example.com'],
    ['https://evil.co.uk/api/v4', 'https://registry.example.co.uk'],
    ['https://10.1.0.7/api/v4', 'https://10.0.0.7'],
    ['https://gitlab/api/v4', 'https://registry'],
  ])('does not take %s for the GitLab of %s, and says what to write if it is', (api, registry) => {
    expect(() => {
      requireOwnPlace(api, registry)
    }).toThrow(
      expect.objectContaining({
        code: 'REALM_REFUSED',
        hint: expect.stringContaining(`api: {url: ${api}}`) as string,
      }),
    )
  })
})
