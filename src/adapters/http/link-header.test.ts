import { describe, expect, it } from 'vitest'
import { failure } from '../../../test/http/expect-failure.ts'
import { guardPages, LinkRefusedError, nextLink, paginate, PagingError } from './link-header.ts'

const AT = 'https://reg.example:5000/v2/team/app/tags/list?n=2'
const next = (link: string | undefined, at = AT) =>
  nextLink(new Map(link === undefined ? [] : [['link', link]]), at)

describe('nextLink', () => {
  it.each([
    { name: 'no header', link: undefined },
    { name: 'another relation', link: '</v2/x>; rel="prev"' },
    { name: 'a relation that only begins alike', link: '</v2/x>; rel="nextish"' },
    { name: 'no relation', link: '</v2/x>' },
    { name: 'an empty header', link: '' },
  ])('finds none in $name', ({ link }) => {
    expect(next(link)).toEqual({ kind: 'none' })
  })

  it.each([
    {
      name: 'a path',
      link: '</v2/_catalog?last=lib%2Fa5&n=5>; rel="next"',
      url: 'https://reg.example:5000/v2/_catalog?last=lib%2Fa5&n=5',
    },
    {
      name: 'a query alone',
      link: '<?n=2&last=b>; rel="next"',
      url: 'https://reg.example:5000/v2/team/app/tags/list?n=2&last=b',
    },
    {
      name: 'a name beside',
      link: '<list?last=b>; rel=next',
      url: 'https://reg.example:5000/v2/team/app/tags/list?last=b',
    },
    {
      name: 'an absolute address',
      link: '<https://reg.example:5000/v2/x?last=b>; rel="next"',
      url: 'https://reg.example:5000/v2/x?last=b',
    },
    {
      name: 'capitals in the host',
      link: '<https://REG.example:5000/x>; rel="next"',
      url: 'https://reg.example:5000/x',
    },
    {
      name: 'other parameters first',
      link: '</x>; title="a, b; c=\\"d\\""; rel="next"; foo',
      url: 'https://reg.example:5000/x',
    },
    { name: 'several relations', link: '</x>; rel="last  NEXT"', url: 'https://reg.example:5000/x' },
    {
      name: 'several links',
      link: '</a>; rel="first", </x?a=1,2>; rel="next", </b>; rel="last"',
      url: 'https://reg.example:5000/x?a=1,2',
    },
  ])('follows $name', ({ link, url }) => {
    expect(next(link)).toEqual({ kind: 'next', url })
  })

  it.each([
    { name: 'another host', link: '<https://evil.example:5000/x>; rel="next"' },
    { name: 'another port', link: '<https://reg.example/x>; rel="next"' },
    { name: 'another scheme', link: '<http://reg.example:5000/x>; rel="next"' },
    { name: 'another host without scheme', link: '<//evil.example/x>; rel="next"' },
    {
      name: 'a host that hides behind a user part',
      link: '<https://reg.example:5000@evil.example/x>; rel="next"',
    },
    { name: 'no URL', link: '<https://[>; rel="next"' },
  ])('refuses $name', ({ link }) => {
    expect(() => next(link)).toThrow(LinkRefusedError)
  })

  it('uses the first relation of a link that has two, as RFC 8288 says', () => {
    expect(next('</x>; rel="prev"; rel="next"')).toEqual({ kind: 'none' })
  })

  it('ends on hostile headers', () => {
    expect(next(`</x>${'; a'.repeat(20_000)}`)).toEqual({ kind: 'none' })
    expect(next('<'.repeat(50_000))).toEqual({ kind: 'none' })
  })
})

describe('paginate', () => {
  const pagesOf = (links: Readonly<Record<string, string | undefined>>) => async (url: string) => {
    const path = new URL(url).pathname
    const link = links[path]
    return { headers: new Map(link === undefined ? [] : [['link', `<${link}>; rel="next"`]]), content: path }
  }
  const all = async (pages: AsyncIterable<string>) => {
    const seen: string[] = []
    for await (const page of pages) seen.push(page)
    return seen
  }

  it('reads all pages in order', async () => {
    expect(await all(paginate('https://r/1', pagesOf({ '/1': '/2', '/2': '/3' })))).toEqual([
      '/1',
      '/2',
      '/3',
    ])
  })

  it('fails on a circle of any length instead of ending', async () => {
    await failure(all(paginate('https://r/1', pagesOf({ '/1': '/1' }))), PagingError)
    await failure(all(paginate('https://r/1', pagesOf({ '/1': '/2', '/2': '/3', '/3': '/2' }))), PagingError)
  })

  it('fails beyond the number of pages allowed', async () => {
    await failure(
      all(paginate('https://r/1', pagesOf({ '/1': '/2', '/2': '/3' }), { pagesMax: 2 })),
      PagingError,
    )
    expect(await all(paginate('https://r/1', pagesOf({ '/1': '/2' }), { pagesMax: 2 }))).toHaveLength(2)
  })

  it('fails when a page comes twice under different addresses', async () => {
    const same = async (url: string) => ({
      headers: new Map([['link', `<${url}x>; rel="next"`]]),
      content: '',
      fingerprint: 'a..b',
    })
    await failure(all(paginate('https://r/1', same)), PagingError)
  })

  it('counts pages', () => {
    const guard = guardPages()
    guard.enter('a')
    guard.enter('b')
    expect(guard.pages).toBe(2)
  })
})
