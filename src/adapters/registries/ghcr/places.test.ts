/** Where GitHub's API is. */
import { describe, expect, it } from 'vitest'
import { apiUrlOf } from './places.ts'

describe('the API of GitHub', () => {
  it.each([
    { name: 'github.com has a host for it', base: 'https://ghcr.io', url: 'https://api.github.com' },
    {
      name: 'a server of one’s own has it under the name without containers.',
      base: 'https://containers.github.example.com:8443',
      url: 'https://github.example.com:8443/api/v3',
    },
    {
      name: 'an enterprise at ghe.com has a host for it',
      base: 'https://containers.octo.ghe.com',
      url: 'https://api.octo.ghe.com',
    },
    {
      name: 'any other host answers for both',
      base: 'http://127.0.0.1:5000',
      url: 'http://127.0.0.1:5000/api/v3',
    },
  ])('$name', ({ base, url }) => {
    expect(apiUrlOf(base, undefined)).toBe(url)
  })

  it('is where the configuration says it is', () => {
    expect(apiUrlOf('https://ghcr.io', 'https://proxy.example.com/gh')).toBe('https://proxy.example.com/gh')
  })
})
