/**
 * Clouds whose registries speak the distribution specification and have no driver of their own: what is known of each, by
 * its host. What the specification leaves to a registry, above all what DELETE does, their documentation mostly does not
 * tell; there nothing is deleted until `winnow doctor` has proved it on a throw-away manifest (prove-deletion.ts).
 */

export interface Preset {
  /** Short and for ever: proofs in the state are kept under it. */
  readonly key: string
  /** How people call it. */
  readonly product: string
  readonly hosts: RegExp
  /**
   * `documented`: deleting by digest is a call the product tells of; single tags are left alone there until they are
   * proved. `experimental`: not known, refused until proved.
   */
  readonly deletion: 'documented' | 'experimental'
  /** The most names on a page, where it is known; without it the reader finds a size that is taken. */
  readonly pageSizeMax: number | undefined
  /** Documented limits, for people. */
  readonly rateLimit: string | undefined
  /** What a person should know before deleting there, in whole sentences. */
  readonly notes: readonly string[]
}

/** A hostname's part: one region, one account. */
const part = '[a-z0-9][a-z0-9-]*'
const hosts = (...patterns: readonly string[]): RegExp => new RegExp(`^(?:${patterns.join('|')})$`)

const presets: readonly Preset[] = [
  {
    key: 'digitalocean',
    product: 'DigitalOcean Container Registry',
    hosts: hosts(String.raw`registry\.digitalocean\.com`),
    deletion: 'documented',
    pageSizeMax: undefined,
    rateLimit: '5,000 requests an hour, 250 a minute',
    notes: [
      'Bytes are freed by its own garbage collection, during which the registry is read-only. Choose “unreferenced blobs only”: whether the collection of untagged manifests spares the platforms of an index is not known.',
    ],
  },
  {
    key: 'scaleway',
    product: 'Scaleway Container Registry',
    hosts: hosts(String.raw`rg\.${part}\.scw\.cloud`),
    deletion: 'experimental',
    pageSizeMax: undefined,
    rateLimit: undefined,
    notes: [
      'Its own API refuses to delete a tag that shares its digest with another one, unless forced; what forcing does is being changed.',
    ],
  },
  {
    key: 'oracle',
    product: 'Oracle Cloud Infrastructure Registry',
    hosts: hosts(String.raw`${part}\.ocir\.io`, String.raw`ocir\.${part}\.oci\.oraclecloud\.com`),
    deletion: 'experimental',
    pageSizeMax: undefined,
    rateLimit: undefined,
    notes: [
      'Images are deleted by its Artifacts API, and can be restored there for 48 hours; whether the registry itself deletes is not documented.',
      'Retention policies of the region or of a repository delete beside Winnow; switch them off where Winnow governs.',
    ],
  },
  {
    key: 'ibm',
    product: 'IBM Cloud Container Registry',
    hosts: hosts(String.raw`(?:${part}\.)?icr\.io`),
    deletion: 'documented',
    pageSizeMax: undefined,
    rateLimit: undefined,
    notes: [
      'What its own API deletes lies in its trash for 30 days (ibmcloud cr trash-list); whether that is so for deletions by the registry itself is not documented.',
      'Retention policies of a namespace delete beside Winnow; switch them off where Winnow governs.',
    ],
  },
  {
    key: 'alibaba',
    product: 'Alibaba Cloud Container Registry',
    hosts: hosts(
      String.raw`registry(?:-vpc|-internal|-intl|-intl-vpc)?\.${part}\.aliyuncs\.com`,
      String.raw`${part}\.${part}\.cr\.aliyuncs\.com`,
    ),
    deletion: 'experimental',
    pageSizeMax: undefined,
    rateLimit: undefined,
    notes: ['The Personal Edition generally refuses deletion outside its console and its own API.'],
  },
  {
    key: 'tencent',
    product: 'Tencent Container Registry',
    hosts: hosts(
      String.raw`${part}\.tencentcloudcr\.com`,
      String.raw`(?:${part}\.)?ccr\.tencentyun\.com`,
      String.raw`${part}\.ccs\.tencentyun\.com`,
    ),
    deletion: 'experimental',
    pageSizeMax: undefined,
    rateLimit: undefined,
    notes: ['Retention and immutability rules of an instance act beside Winnow.'],
  },
  {
    key: 'yandex',
    product: 'Yandex Container Registry',
    hosts: hosts(String.raw`cr\.yandex`, String.raw`cr\.cloud\.yandex\.net`),
    deletion: 'experimental',
    pageSizeMax: undefined,
    rateLimit: undefined,
    notes: [
      'Images are deleted by its own API (role container-registry.images.pusher); the registry itself is said to refuse.',
      'Its lifecycle policies delete beside Winnow; switch them off where Winnow governs.',
    ],
  },
]

/** @param host without a port, in any case */
export function presetOf(host: string): Preset | undefined {
  return presets.find(({ hosts: pattern }) => pattern.test(host.toLowerCase()))
}
