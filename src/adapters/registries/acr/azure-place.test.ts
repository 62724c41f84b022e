/** Which hosts may see an Azure login. */
import { describe, expect, it } from 'vitest'
import { whyNoAzureLogin } from './azure-place.ts'

describe('whyNoAzureLogin', () => {
  it.each(['https://shop.azurecr.io', 'https://SHOP.azurecr.cn:443', 'https://shop.azurecr.us/'])(
    'lets it go to %s, however its kind was found out',
    (url) => {
      expect(whyNoAzureLogin(url, false)).toBeUndefined()
    },
  )

  it.each([
    'https://registry.example.com',
    'https://azurecr.io',
    'https://shop.azurecr.io.example.com',
    'https://shop-azurecr.io',
    'http://127.0.0.1:5000',
  ])('lets it go to %s only on the word of the configuration', (url) => {
    expect(whyNoAzureLogin(url, false)).toContain('kind: acr')
    expect(whyNoAzureLogin(url, true)).toBeUndefined()
  })

  it.each(['http://shop.azurecr.io', 'http://registry.example.com', 'http://10.0.0.7:5000'])(
    'never lets it go over the open line to %s',
    (url) => {
      expect(whyNoAzureLogin(url, true)).toContain('plain http')
      expect(whyNoAzureLogin(url, false)).toContain('plain http')
    },
  )

  it.each(['http://localhost:5000', 'http://127.0.0.1', 'http://[::1]:5000'])(
    'lets it go to %s on this machine',
    (url) => {
      expect(whyNoAzureLogin(url, true)).toBeUndefined()
    },
  )
})
