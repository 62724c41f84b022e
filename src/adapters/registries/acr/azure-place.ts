/**
 * Whether a host may be shown an Azure login. That login opens far more than one registry, and a host that answers like
 * Azure's can be anybody's: only a name that Azure gives out, or the word of the configuration, is proof.
 */
import { bare, isLoopbackHost } from '../../http/addresses.ts'
import { kindOfHost } from '../recognise-hosts.ts'

/**
 * @param baseUrl the registry's address
 * @param kindIsWritten the configuration itself says `kind: acr`
 * @returns why the Azure login stays away from it, for people; undefined where it may go there
 */
export function whyNoAzureLogin(baseUrl: string, kindIsWritten: boolean): string | undefined {
  const { protocol, hostname } = new URL(baseUrl)
  if (protocol !== 'https:' && !isLoopbackHost(hostname))
    return 'the Azure login is never sent over plain http'
  if (kindIsWritten || kindOfHost(bare(hostname)) === 'acr') return undefined
  return 'the Azure login only goes to hosts of Azure’s own domain, or where the configuration says `kind: acr`'
}
