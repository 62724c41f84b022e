import { expect, it } from 'vitest'
import { ProxyInvalidError } from './http-errors.ts'
import { proxyFor } from './proxy.ts'

const ENVIRONMENT = { HTTPS_PROXY: 'http://secure:3128', HTTP_PROXY: 'plain:3128' }

it.each([
  { name: 'https by HTTPS_PROXY', url: 'https://a.example/', env: ENVIRONMENT, proxy: 'http://secure:3128/' },
  {
    name: 'http by HTTP_PROXY, written without a scheme',
    url: 'http://a.example/',
    env: ENVIRONMENT,
    proxy: 'http://plain:3128/',
  },
  {
    name: 'https not by HTTP_PROXY',
    url: 'https://a.example/',
    env: { HTTP_PROXY: 'http://p:1' },
    proxy: undefined,
  },
  {
    name: 'by ALL_PROXY what has none of its own',
    url: 'https://a.example/',
    env: { all_proxy: 'socks5://p:1' },
    proxy: 'socks5://p:1',
  },
  {
    name: 'lower case first',
    url: 'https://a.example/',
    env: { ...ENVIRONMENT, https_proxy: 'http://low:1' },
    proxy: 'http://low:1/',
  },
  { name: 'this machine never', url: 'http://127.0.0.1:5000/', env: ENVIRONMENT, proxy: undefined },
  { name: 'nothing without variables', url: 'https://a.example/', env: {}, proxy: undefined },
  {
    name: 'nothing with empty variables',
    url: 'https://a.example/',
    env: { HTTPS_PROXY: ' ' },
    proxy: undefined,
  },
])('proxies $name', ({ url, env, proxy }) => {
  expect(proxyFor(new URL(url), 'environment', env)?.href).toBe(proxy)
})

it.each([
  { no: '*', url: 'https://a.example/', excepted: true },
  { no: 'a.example', url: 'https://a.example/', excepted: true },
  { no: 'example', url: 'https://a.example/', excepted: true },
  { no: '.example', url: 'https://a.example/', excepted: true },
  { no: '*.example', url: 'https://A.Example/', excepted: true },
  { no: 'b.example, a.example:443', url: 'https://a.example/', excepted: true },
  { no: 'a.example:8443', url: 'https://a.example/', excepted: false },
  { no: 'ample', url: 'https://a.example/', excepted: false },
  { no: '10.0.0.0/8', url: 'https://10.2.3.4/', excepted: true },
  { no: '10.0.0.0/8', url: 'https://11.2.3.4/', excepted: false },
  { no: '10.2.3.4', url: 'https://10.2.3.4:5000/', excepted: true },
  { no: '3.4', url: 'https://10.2.3.4/', excepted: false },
  { no: 'fd00::/8', url: 'https://[fd00::1]/', excepted: true },
  { no: 'fd00::1', url: 'https://[fd00::1]:5000/', excepted: true },
  { no: '', url: 'https://a.example/', excepted: false },
])('NO_PROXY=$no excepts $url: $excepted', ({ no, url, excepted }) => {
  expect(proxyFor(new URL(url), 'environment', { ...ENVIRONMENT, NO_PROXY: no }) === undefined).toBe(excepted)
})

it('goes straight when told so, and by a proxy that is named, whatever the environment says', () => {
  expect(proxyFor(new URL('https://a.example/'), 'none', ENVIRONMENT)).toBeUndefined()
  expect(proxyFor(new URL('http://127.0.0.1/'), 'http://own:1', { NO_PROXY: '*' })?.href).toBe(
    'http://own:1/',
  )
})

it('refuses what is no proxy, without its password', () => {
  const bad = () => proxyFor(new URL('https://a.example/'), 'ftp://u:hunter2@p', {})
  expect(bad).toThrow(ProxyInvalidError)
  expect(bad).not.toThrow(/hunter2/)
})
