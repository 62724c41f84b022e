/**
 * What must hold between keys. Each part of the file that is well formed by itself is checked, also when another part
 * is not, so that every mistake is told at once.
 */
import { checkGitRepositories } from './checks-git.ts'
import { checkPolicy } from './checks-policy.ts'
import { checkRegistry } from './checks-registry.ts'
import type { Finding } from './explain-issues.ts'
import { pathText, valueAt } from './explain-issues.ts'
import type { Report } from './report.ts'
import { isRecord } from './report.ts'
import type { Path } from './yaml-source.ts'

/** All findings that concern more than one key, for a file as plain value. */
export function checkFile(file: unknown): readonly Finding[] {
  const findings: Finding[] = []
  const report: Report = (path, message, hint, atKey = false) => findings.push({ path, message, hint, atKey })
  const registries = valueAt(file, ['registries'])
  const names = isRecord(registries) ? Object.keys(registries) : []
  for (const name of names) checkRegistry(valueAt(registries, [name]), ['registries', name], report)
  checkEvidence(valueAt(file, ['evidence']), report)
  const git = valueAt(file, ['git'])
  checkGitRepositories(git, report)
  const policies: unknown = valueAt(file, ['policies'])
  if (Array.isArray(policies)) {
    checkUnique(policies, ['policies'], report)
    policies.forEach((policy: unknown, index) =>
      checkPolicy(policy, ['policies', index], { registries: names, hasGit: git !== undefined }, report),
    )
  }
  return findings
}

function checkEvidence(value: unknown, report: Report): void {
  for (const kind of ['kubernetes', 'references']) {
    const sources = valueAt(value, [kind])
    if (Array.isArray(sources)) checkUnique(sources, ['evidence', kind], report)
  }
  checkHelm(valueAt(value, ['helm']), report)
  const clusters = valueAt(value, ['kubernetes'])
  if (!Array.isArray(clusters)) return
  clusters.forEach((cluster: unknown, index) => {
    if (!isRecord(cluster)) return
    const path = ['evidence', 'kubernetes', index]
    const isByConfig = cluster['kubeconfig'] !== undefined || cluster['context'] !== undefined
    const ways = [isByConfig, cluster['inCluster'] !== undefined, cluster['dump'] !== undefined].filter(
      Boolean,
    ).length
    if (ways === 1) return
    report(
      path,
      ways === 0 ? 'Nothing says how to reach this cluster.' : 'A cluster is reached in one way only.',
      'Write `kubeconfig` (and `context`), or `inCluster: true`, or `dump: FILE`.',
    )
  })
}

function checkHelm(value: unknown, report: Report): void {
  if (!isRecord(value)) return
  const path = ['evidence', 'helm']
  if (value['revisions'] === false && value['reason'] === undefined) {
    report(
      [...path, 'revisions'],
      'Leaving Helm out needs a reason.',
      'Write `helm: {revisions: false, reason: "…"}`.',
    )
  } else if (value['revisions'] !== false && value['reason'] !== undefined) {
    report([...path, 'reason'], 'A reason is given only for `revisions: false`.', 'Take it out.', true)
  }
}

function checkUnique(list: readonly unknown[], path: Path, report: Report): void {
  const first = new Map<string, number>()
  list.forEach((element, index) => {
    const name = valueAt(element, ['name'])
    if (typeof name !== 'string') return
    const earlier = first.get(name)
    if (earlier === undefined) first.set(name, index)
    else {
      const message = `The name ${JSON.stringify(name)} is taken by ${pathText([...path, earlier])}.`
      report([...path, index, 'name'], message, 'Choose another; plans and messages tell them apart by name.')
    }
  })
}
