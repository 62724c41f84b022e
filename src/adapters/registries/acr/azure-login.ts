/**
 * The login that Azure's own library finds: environment, workload identity, managed identity, `az login` and the rest of
 * its chain. The library is loaded when it is first needed.
 */
import type { TokenCredential } from '@azure/identity'
import { InterruptedError } from '../../../core/errors/errors.ts'
import { CredentialUnavailableError } from '../../http/http-errors.ts'
import { Redactor } from '../../http/redact.ts'

/** An access token of Microsoft Entra for container registries; undefined where nobody is logged in. */
export type AzureLogin = (signal: AbortSignal | undefined) => Promise<string | undefined>

const WORDS_LENGTH_MAX = 300

/** @param host the registry's, which tells the cloud */
export function azureLogin(host: string): AzureLogin {
  let credential: TokenCredential | undefined
  return async (signal) => {
    const { DefaultAzureCredential } = await import('@azure/identity')
    credential ??= new DefaultAzureCredential()
    try {
      const token = await credential.getToken(audienceOf(host), signal && { abortSignal: signal })
      return token?.token
    } catch (error) {
      if (signal?.aborted === true) throw new InterruptedError()
      if (isNobody(error)) return undefined
      throw refusedLogin(error)
    }
  }
}

/** Azure/azure-sdk: KnownContainerRegistryAudience; the first is preferred where a registry may refuse the others. */
function audienceOf(host: string): string {
  if (host.endsWith('.azurecr.cn')) return 'https://management.chinacloudapi.cn/.default'
  if (host.endsWith('.azurecr.us')) return 'https://management.usgovcloudapi.net/.default'
  return 'https://containerregistry.azure.net/.default'
}

/** The library's words for "none of the places has a login". */
function isNobody(error: unknown): boolean {
  const names = ['AggregateAuthenticationError', 'CredentialUnavailableError']
  return error instanceof Error && names.includes(error.name)
}

function refusedLogin(error: unknown): CredentialUnavailableError {
  const redactor = new Redactor()
  const said = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : ''
  return new CredentialUnavailableError(
    `Azure refuses the login that was found (${redactor.text(said).slice(0, WORDS_LENGTH_MAX)}).`,
    'Correct AZURE_CLIENT_ID, AZURE_TENANT_ID and the secret beside them, log in again with az login, or name other credentials under `auth`.',
    { cause: redactor.cause(error) },
  )
}
