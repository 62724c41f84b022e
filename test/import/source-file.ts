/** The policy of a case as the file that its system has (formats: what `winnow import` reads). */
import { stringify } from 'yaml'
import type { PolicyCase } from './cases.ts'

type Settings = Readonly<Record<string, unknown>>

export interface SourceFile {
  readonly text: string
  /** Where rows of a case lie that name no repository. */
  readonly repository: string
}

export function sourceFileOf({ system, policy }: PolicyCase): SourceFile {
  switch (system) {
    case 'ecr':
    case 'gar':
      return json(policy)
    case 'harbor':
      return { text: JSON.stringify(policy, undefined, 2), repository: 'library/app' }
    case 'gitlab': {
      const { _page_size: _, ...settings } = policy as Settings
      return json({ enabled: true, cadence: '1d', ...settings })
    }
    case 'quay':
      return json({ policies: policy })
    case 'zot':
      return json({
        distSpecVersion: '1.1.1',
        storage: { rootDirectory: '/var/lib/registry', gc: true, gcInterval: '1h', retention: policy },
        http: { address: '0.0.0.0', port: '5000' },
      })
    case 'tumblr-docker-registry-pruner':
      return { text: stringify(policy), repository: 'app' }
    case 'acr-purge':
      return { text: acrLine(policy as Settings), repository: 'repo' }
    case 'gcr-cleaner':
      return { text: gcrLine(policy as Settings), repository: 'my-project/app' }
    case 'ghcr-cleanup-action':
      return workflow('dataaxiom/ghcr-cleanup-action@v1', {
        owner: 'octo',
        package: 'app',
        ...(policy as Settings),
      })
    case 'snok':
      return workflow('snok/container-retention-policy@v3.0.0', { account: 'octo', ...(policy as Settings) })
    default:
      throw new Error(`nothing is known of ${system}`)
  }
}

function json(policy: unknown): SourceFile {
  return { text: JSON.stringify(policy, undefined, 2), repository: 'app' }
}

function acrLine(policy: Settings): string {
  const words = Object.entries(policy).flatMap(([flag, value]) => {
    if (value === true) return [`--${flag}`]
    const values = Array.isArray(value) ? (value as unknown[]) : [value]
    return values.map((each) => `--${flag} '${String(each)}'`)
  })
  return `acr purge --registry myregistry ${words.join(' \\\n  ')}\n`
}

function gcrLine(policy: Settings): string {
  const words = Object.entries(policy).map(
    ([flag, value]) => `-${flag.replaceAll('_', '-')} '${String(value)}'`,
  )
  return `gcr-cleaner-cli -repo gcr.io/my-project/app ${words.join(' ')}\n`
}

function workflow(uses: string, inputs: Settings): SourceFile {
  const texts = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, String(value)]))
  const text = stringify({
    on: { schedule: [{ cron: '0 3 * * *' }] },
    jobs: {
      cleanup: {
        'runs-on': 'ubuntu-latest',
        steps: [{ uses, with: { ...texts, token: '${{ secrets.PAT }}' } }],
      },
    },
  })
  return { text, repository: 'octo/app' }
}
