/** `registries:` as written (DESIGN sections 3 and 8). */
import * as z from 'zod'
import { parseRepositoryName } from '../core/image/names.ts'
import { refuseAlias, refuseRedisUrl, refuseUrl } from './addresses.ts'
import { refuseMatcher } from './alert-matcher.ts'
import { checkedText, duration, key, plainName, text, variable, wholeNumber } from './fields.ts'

const registryKinds = [
  'auto',
  'distribution',
  'artifact-registry',
  'ecr',
  'acr',
  'docker-hub',
  'ghcr',
  'gitlab',
  'harbor',
  'quay',
  'artifactory',
  'nexus',
  'gitea',
  'zot',
  'trow',
  'generic',
] as const

const storageLayouts = ['distribution', 'oci', 'trow', 'zot'] as const

const url = checkedText(refuseUrl).meta({ examples: ['https://registry.example.com'] })

/** Where credentials are; also of Git repositories and forges. */
export const authSchema = z.strictObject({
  username: key(
    text,
    'User name',
    'The user name. It is no secret; use `usernameEnv` where it differs by environment.',
  ).optional(),
  usernameEnv: key(
    variable,
    'User name from the environment',
    'The environment variable that holds the user name.',
  ).optional(),
  passwordFile: key(
    text,
    'Password file',
    'A file that holds the password or token; a line break at its end is dropped.',
  ).optional(),
  passwordEnv: key(
    variable,
    'Password from the environment',
    'The environment variable that holds the password.',
  ).optional(),
  tokenFile: key(text, 'Token file', 'A file that holds a bearer token, used as it is.').optional(),
  tokenEnv: key(
    variable,
    'Token from the environment',
    'The environment variable that holds a bearer token, used as it is.',
  ).optional(),
})

const tls = z.strictObject({
  caFile: key(
    text,
    'Authorities',
    'A PEM file with certificate authorities to trust beside the usual ones.',
  ).optional(),
  certFile: key(
    text,
    'Client certificate',
    'A PEM file with the certificate Winnow shows; needs `keyFile`.',
  ).optional(),
  keyFile: key(text, 'Client key', 'A PEM file with the key of `certFile`.').optional(),
  insecureSkipVerify: key(
    z.boolean(),
    'Skip verification',
    'Trusts any certificate. Anyone on the way can then read credentials.',
    { default: false },
  ).optional(),
})

const prefix = key(text, 'Prefix', 'The folder inside the bucket or container.').optional()

const s3 = z.strictObject({
  bucket: key(text, 'Bucket', 'The name of the bucket.'),
  prefix,
  region: key(text, 'Region', 'The region of the bucket; the usual AWS settings when left out.').optional(),
  endpoint: key(url, 'Endpoint', 'The address of an S3-compatible store that is not AWS.').optional(),
})

const gcs = z.strictObject({
  bucket: key(text, 'Bucket', 'The name of the bucket.'),
  prefix,
  endpoint: key(
    url,
    'Endpoint',
    'The address of the JSON API, where it is not Google’s own; Winnow logs in there all the same.',
  ).optional(),
})

const azure = z.strictObject({
  container: key(text, 'Container', 'The name of the blob container.'),
  prefix,
  account: key(
    text,
    'Account',
    'The storage account; AZURE_STORAGE_ACCOUNT or the connection string when left out.',
  ).optional(),
  endpoint: key(
    url,
    'Endpoint',
    'The address of the account’s blobs; https://ACCOUNT.blob.core.windows.net when left out.',
  ).optional(),
})

const redisCache = checkedText((value) => refuseRedisUrl(value)).meta({
  examples: ['redis://127.0.0.1:6379'],
})

const storage = z.strictObject({
  layout: key(z.enum(storageLayouts), 'Layout', 'How the registry arranges its files.'),
  filesystem: key(text, 'Folder', 'The root folder of the registry’s storage.').optional(),
  s3: key(s3, 'S3', 'A bucket in S3 or a compatible store.').optional(),
  gcs: key(gcs, 'Google Cloud Storage', 'A bucket in Google Cloud Storage.').optional(),
  azure: key(azure, 'Azure Blob Storage', 'A container in Azure Blob Storage.').optional(),
  cache: key(
    z.union([z.enum(['auto', 'none', 'inmemory']), redisCache]),
    'Descriptor cache',
    'The blob descriptor cache that the running registry uses. It decides when bytes can be freed beside it.',
    { default: 'auto' },
  ).optional(),
  cacheUsernameEnv: key(
    variable,
    'User name from the environment',
    'The environment variable that holds the user of the registry’s Redis.',
  ).optional(),
  cachePasswordEnv: key(
    variable,
    'Password from the environment',
    'The environment variable that holds the password of the registry’s Redis.',
  ).optional(),
  cachePasswordFile: key(
    text,
    'Password file',
    'A file that holds the password of the registry’s Redis; a line break at its end is dropped.',
  ).optional(),
})

const repository = checkedText((value) =>
  parseRepositoryName(value)
    ? undefined
    : {
        problem: 'This is not the name of a repository.',
        hint: 'Write it in lower case and without a host, as in "winnow/canary".',
      },
)

const argv = z.array(text).min(1)

const monitoringTls = {
  caFile: key(
    text,
    'Authorities',
    'A PEM file with certificate authorities to trust beside the usual ones.',
  ).optional(),
  insecureSkipVerify: key(
    z.boolean(),
    'Skip verification',
    'Trusts any certificate. Anyone on the way can then read the password.',
    { default: false },
  ).optional(),
}

const monitoringAccess = {
  username: key(text, 'User name', 'The user of the API. It is no secret.').optional(),
  usernameEnv: key(
    variable,
    'User name from the environment',
    'The environment variable that holds the user of the API.',
  ).optional(),
  passwordFile: key(
    text,
    'Password file',
    'A file that holds the password; a line break at its end is dropped.',
  ).optional(),
  passwordEnv: key(
    variable,
    'Password from the environment',
    'The environment variable that holds the password.',
  ).optional(),
  ...monitoringTls,
}

const icingaService = checkedText((value) =>
  /^[^!]+![^!]+$/.test(value)
    ? undefined
    : {
        problem: 'This is not the name of a host, an exclamation mark and the name of a service.',
        hint: 'Write it as in "registry.example.com!docker registry", with the names that the objects have in Icinga.',
      },
).meta({ examples: ['registry.example.com!docker registry'] })

const icinga2 = z.strictObject({
  url: key(url, 'Address', 'The address of the Icinga 2 API.'),
  service: key(icingaService, 'Service', 'The service that gets the downtime, as `host!service`.'),
  duration: key(duration, 'Duration', 'How long the downtime lasts.'),
  ...monitoringAccess,
})

const matcher = checkedText(refuseMatcher).meta({ examples: ['job="registry"'] })

const alertmanager = z.strictObject({
  url: key(url, 'Address', 'The address of Alertmanager.'),
  matchers: key(z.array(matcher).min(1), 'Matchers', 'Which alerts are silenced, such as `job="registry"`.'),
  duration: key(duration, 'Duration', 'How long the silence lasts.'),
  ...monitoringAccess,
})

const webhook = z.strictObject({
  url: key(url, 'Address', 'Called before the stop and after the start.'),
  ...monitoringTls,
})

const downtime = z.strictObject({
  icinga2: key(icinga2, 'Icinga 2', 'Schedules a downtime.').optional(),
  alertmanager: key(alertmanager, 'Alertmanager', 'Sets a silence.').optional(),
  webhook: key(webhook, 'Webhook', 'Tells another system.').optional(),
})

const maintenance = z.strictObject({
  stop: key(
    argv,
    'Stop',
    'The command that stops the registry, as a list of words; no shell reads it.',
  ).optional(),
  start: key(argv, 'Start', 'The command that starts it again; run whatever happens in between.').optional(),
  readOnly: key(argv, 'Read-only', 'Stands in place of `stop`: makes the registry refuse pushes.').optional(),
  readWrite: key(argv, 'Read and write', 'Stands in place of `start`: takes pushes again.').optional(),
  health: key(url, 'Health', 'Must answer 200 or 401 within 60 seconds after the start.').optional(),
  downtime: key(
    downtime,
    'Downtime',
    'What is told before the stop; if that fails, nothing is stopped.',
  ).optional(),
})

const sweep = z.strictObject({
  mode: key(
    z.enum(['online', 'maintenance']),
    'Mode',
    'Beside the running registry, or while it is stopped.',
    { default: 'online' },
  ).optional(),
  grace: key(duration, 'Grace', 'Nothing younger is touched.', { default: '24h' }).optional(),
  quarantine: key(duration, 'Quarantine', 'Blobs that were set aside are freed after this.', {
    default: '7d',
  }).optional(),
  settle: key(
    duration,
    'Settle',
    'The second mark comes no sooner after the last rename; never longer than the quarantine.',
    { default: '10m' },
  ).optional(),
  replicas: key(
    z.array(url).min(1),
    'Replicas',
    'An address for each replica of the registry, where several share one `url`: each has a cache of its own.',
  ).optional(),
  metrics: key(
    z.array(url).min(1),
    'Metrics',
    'An address of metrics for each replica, which tell when it was started (`process_start_time_seconds`).',
  ).optional(),
  canary: key(
    repository,
    'Canary',
    'The repository that a small blob is pushed to, to find out what the registry’s cache remembers.',
    { default: 'winnow/canary' },
  ).optional(),
  maintenance: key(
    maintenance,
    'Maintenance',
    'How the registry is stopped and started for `mode: maintenance`.',
  ).optional(),
})

const api = z.strictObject({
  url: key(
    url,
    'Address',
    'The address of the product’s own API, where it is not the one its documentation gives for this registry.',
  ).optional(),
  auth: key(
    authSchema,
    'Credentials',
    'Credentials of the product’s own API, where they are not those of the registry.',
  ).optional(),
})

const aws = z.strictObject({
  region: key(text, 'Region', 'The region; that of the registry’s address when left out.').optional(),
  profile: key(text, 'Profile', 'The profile of the AWS configuration files.').optional(),
  roleArn: key(text, 'Role', 'The role that is taken on, for a registry of another account.').optional(),
})

const registrySchema = z.strictObject({
  url: key(
    url,
    'Address',
    'The address of the registry. http:// only for this machine, or with `insecure: true`.',
  ).optional(),
  kind: key(z.enum(registryKinds), 'Kind', 'Which product it is; `auto` finds out.', {
    default: 'auto',
  }).optional(),
  aliases: key(
    z.array(checkedText(refuseAlias)).min(1),
    'Aliases',
    'Other names that clusters know it by: `host[:port][/prefix]`, as in image references.',
  ).optional(),
  auth: key(
    authSchema,
    'Credentials',
    'Where credentials come from, when not from Docker’s or Podman’s auth files or the cloud.',
  ).optional(),
  api: key(api, 'API', 'The product’s own API, beside the registry’s address.').optional(),
  aws: key(
    aws,
    'AWS',
    'How Winnow gets credentials for Amazon ECR; the usual AWS settings when left out.',
  ).optional(),
  concurrency: key(
    wholeNumber(1, 256),
    'Concurrency',
    'The most requests at a time; Winnow backs off by itself.',
    { default: 16 },
  ).optional(),
  insecure: key(
    z.boolean(),
    'Insecure',
    'Allows http:// to another machine. Credentials then travel in the clear.',
    { default: false },
  ).optional(),
  tls: key(tls, 'TLS', 'Certificates to trust and to show.').optional(),
  proxy: key(url, 'Proxy', 'The proxy for this registry; HTTPS_PROXY and NO_PROXY when left out.').optional(),
  allowPrivateRealm: key(
    z.boolean(),
    'Private realm',
    'Allows the registry to send Winnow to a token server at a private address.',
    { default: false },
  ).optional(),
  storage: key(
    storage,
    'Storage',
    'The registry’s own files, read and changed without the registry.',
  ).optional(),
  sweep: key(sweep, 'Sweep', 'How unreferenced bytes are freed.').optional(),
})

export const registriesSchema = z.record(plainName, registrySchema)

export type WrittenRegistry = z.infer<typeof registrySchema>
export type RegistryKind = (typeof registryKinds)[number]
export type StorageLayout = (typeof storageLayouts)[number]
