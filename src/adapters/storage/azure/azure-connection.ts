/**
 * The way to one container: Microsoft's libraries, loaded when the first call is made, with the credentials of the
 * environment. In this order: AZURE_STORAGE_CONNECTION_STRING; AZURE_STORAGE_KEY; AZURE_STORAGE_SAS_TOKEN; else whatever
 * login @azure/identity finds. The last three need the account's name.
 */
import type { ContainerClient, StoragePipelineOptions } from '@azure/storage-blob'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { isLoopbackHost } from '../../http/addresses.ts'
import { CredentialUnavailableError, InsecureUrlError } from '../../http/http-errors.ts'
import { Redactor, redactUrl } from '../../http/redact.ts'
import { ask, type Attempt } from './azure-errors.ts'

export interface AzureSettings {
  readonly container: string
  /** Where the registry's files begin in the container; with or without slashes at its ends. */
  readonly prefix: string
  /** The storage account. @default AZURE_STORAGE_ACCOUNT */
  readonly account?: string | undefined
  /** The address of the account's blobs. @default `https://ACCOUNT.blob.core.windows.net` */
  readonly endpoint?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  /** How long what is set aside must be kept; soft deletion that ends sooner is not used. @default 7 days */
  readonly quarantineMs?: number | undefined
  /** Where the account softly deletes: up to this size, files that are set aside can be read. @default 8 MiB */
  readonly readableBytesMax?: number
  /** Blobs a page. @default 5000, which is the most there is */
  readonly pageSize?: number
  readonly retry?: { readonly attemptsMax?: number; readonly backoffMs?: number }
}

export interface AzureContainer {
  readonly place: string
  readonly redactor: Redactor
  /** @throws StorageUnreadableError when there is no such container */
  readonly open: (changes: boolean, options: RunOptions | undefined) => Promise<ContainerClient>
}

export function azureContainer(settings: AzureSettings): AzureContainer {
  const redactor = new Redactor()
  const account = settings.account ?? settings.environment['AZURE_STORAGE_ACCOUNT'] ?? 'account'
  const place = `azure://${account}/${settings.container}`
  let opened: ContainerClient | undefined
  let isThere = false
  const open = async (changes: boolean, options: RunOptions | undefined): Promise<ContainerClient> => {
    const attempt: Attempt = { where: place, changes, redactor }
    const client = await ask(attempt, options, async () => (opened ??= await connect(settings, redactor)))
    if (!isThere) {
      // Asked once, before anything is believed to be absent.
      await ask(attempt, options, async () => client.listBlobsFlat().byPage({ maxPageSize: 1 }).next())
      isThere = true
    }
    return client
  }
  return { place, redactor, open }
}

async function connect(settings: AzureSettings, redactor: Redactor): Promise<ContainerClient> {
  const { environment, container } = settings
  const azure = await import('@azure/storage-blob')
  const options = pipelineOptions(settings)
  const connection = environment['AZURE_STORAGE_CONNECTION_STRING']
  if (connection !== undefined && connection !== '') {
    for (const [, secret = ''] of connection.matchAll(/(?:AccountKey|SharedAccessSignature)=([^;]+)/gi)) {
      redactor.register(secret)
    }
    const service = azure.BlobServiceClient.fromConnectionString(connection, options)
    requireSame(settings, service.accountName)
    return service.getContainerClient(container)
  }
  const account = settings.account ?? environment['AZURE_STORAGE_ACCOUNT']
  if (account === undefined || account === '') throw noAccount()
  const url = `${endpointOf(settings, account)}/${encodeURIComponent(container)}`
  const key = environment['AZURE_STORAGE_KEY']
  if (key !== undefined && key !== '') {
    redactor.register(key)
    return new azure.ContainerClient(url, new azure.StorageSharedKeyCredential(account, key), options)
  }
  const signature = environment['AZURE_STORAGE_SAS_TOKEN']?.replace(/^\?/, '')
  if (signature !== undefined && signature !== '') {
    redactor.register(signature)
    redactor.register(new URLSearchParams(signature).get('sig') ?? '')
    return new azure.ContainerClient(`${url}?${signature}`, new azure.AnonymousCredential(), options)
  }
  const { DefaultAzureCredential } = await import('@azure/identity')
  return new azure.ContainerClient(url, new DefaultAzureCredential(), options)
}

function pipelineOptions({ retry }: AzureSettings): StoragePipelineOptions {
  const { attemptsMax = 5, backoffMs = 500 } = retry ?? {}
  return {
    retryOptions: { maxTries: attemptsMax, retryDelayInMs: backoffMs, maxRetryDelayInMs: 60_000 },
    userAgentOptions: { userAgentPrefix: 'winnow' },
  }
}

function endpointOf({ endpoint }: AzureSettings, account: string): string {
  const url = (endpoint ?? `https://${account}.blob.core.windows.net`).replace(/\/+$/, '')
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'https:' && !isLoopbackHost(hostname)) throw new InsecureUrlError(redactUrl(url))
  return url
}

/** Files of the same names may lie in another account: then it is the wrong registry's. */
function requireSame({ account }: AzureSettings, connected: string): void {
  if (account === undefined || account === connected) return
  throw new StorageUnreadableError(
    `azure://${account}`,
    `AZURE_STORAGE_CONNECTION_STRING leads to another account, ${connected}`,
    {
      hint: 'Set the connection string of the account that winnow.yaml names, or leave `account` out there.',
    },
  )
}

function noAccount(): CredentialUnavailableError {
  return new CredentialUnavailableError(
    'No storage account is named, so there is none to log in to.',
    'Name it under `account` in winnow.yaml or in AZURE_STORAGE_ACCOUNT, or set AZURE_STORAGE_CONNECTION_STRING.',
  )
}
