/** The whole file, from as written to as used (DESIGN section 3, defaults included). */
import { compileTagPatterns } from '../core/policy/compile-patterns.ts'
import type { Limits, PolicySet, Protect } from '../core/policy/policy.ts'
import type {
  ClusterReading,
  ClusterSettings,
  Configuration,
  EvidenceSettings,
  HelmSettings,
} from './configuration.ts'
import { listOf } from './fields.ts'
import { fingerprintText } from './fingerprint.ts'
import { resolveGit } from './resolve-git.ts'
import { resolvePolicy } from './resolve-policy.ts'
import { resolveRegistry } from './resolve-registry.ts'
import type { Resolving } from './resolving.ts'
import { durationMs } from './resolving.ts'
import type { WrittenEvidence, WrittenLimits, WrittenProtect } from './schema-evidence.ts'
import { parseShare } from './schema-evidence.ts'
import type { WrittenFile } from './schema.ts'

/** DESIGN section 3: these hold when `protect` or `limits`, or a key of theirs, is left out. */
const defaults = {
  youngerThan: '24h',
  seenInUseWithin: '7d',
  maxDeletions: 500,
  maxShare: 0.3,
  minSurvivors: 1,
} as const

/** Resolves what has passed the schema and every check; it finds no mistakes any more. */
export function resolveFile(written: WrittenFile, resolving: Resolving): Configuration {
  const settings = Object.entries(written.registries ?? {}).map(([name, registry]) =>
    resolveRegistry(name, registry, resolving),
  )
  const git = resolveGit(written.git, written.policies ?? [], resolving)
  const policySet: PolicySet = {
    policies: (written.policies ?? []).map((policy, index) =>
      resolvePolicy(policy, index, resolving, written.git),
    ),
    git: git.policies,
    protect: resolveProtect(written.protect),
    limits: resolveLimits(written.limits),
  }
  return {
    registries: new Map(settings.map((registry) => [registry.name, registry])),
    evidence: resolveEvidence(written.evidence, resolving),
    git: new Map(git.settings.map((repository) => [repository.name, repository])),
    policySet,
    file: resolving.source.file,
    fingerprintText: fingerprintText(policySet, settings, written.evidence),
    warnings: [],
    written,
    source: resolving.source,
  }
}

function resolveProtect(written: WrittenProtect | undefined): Protect {
  return {
    youngerThanMs: durationMs(written?.youngerThan ?? defaults.youngerThan),
    seenInUseWithinMs: durationMs(written?.seenInUseWithin ?? defaults.seenInUseWithin),
    tags: written?.tags === undefined ? undefined : compileTagPatterns(listOf(written.tags)),
  }
}

function resolveLimits(written: WrittenLimits | undefined): Limits {
  return {
    maxDeletions: written?.maxDeletions ?? defaults.maxDeletions,
    maxShare:
      (written?.maxShare === undefined ? undefined : parseShare(written.maxShare)) ?? defaults.maxShare,
    minSurvivors: written?.minSurvivors ?? defaults.minSurvivors,
  }
}

function resolveEvidence(written: WrittenEvidence | undefined, resolving: Resolving): EvidenceSettings {
  const { absolute, source } = resolving
  const lineOf = (kind: string, index: number): number => source.lineOf(['evidence', kind, index])
  return {
    kubernetes: (written?.kubernetes ?? []).map((cluster, index) => ({
      name: cluster.name,
      line: lineOf('kubernetes', index),
      reading: readingOf(cluster),
      ...resolveCluster(cluster, absolute),
    })),
    helm: resolveHelm(written?.helm),
    references: (written?.references ?? []).map(({ name, file }, index) => ({
      name,
      path: absolute(file),
      written: file,
      line: lineOf('references', index),
    })),
  }
}

type WrittenCluster = NonNullable<WrittenEvidence['kubernetes']>[number]
type Reach = ClusterSettings extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'name' | 'line' | 'reading'>
    : never
  : never

function readingOf({ exclude, scope, allowEmpty, strict }: WrittenCluster): ClusterReading {
  return {
    exclude: exclude ?? [],
    namespaces: scope?.namespaces,
    allowEmpty: allowEmpty ?? false,
    strict: strict ?? false,
  }
}

function resolveCluster(cluster: WrittenCluster, absolute: Resolving['absolute']): Reach {
  if (cluster.inCluster) return { kind: 'in-cluster' }
  if (cluster.dump !== undefined) return { kind: 'dump', path: absolute(cluster.dump) }
  const kubeconfig = cluster.kubeconfig === undefined ? undefined : absolute(cluster.kubeconfig)
  return { kind: 'kubeconfig', kubeconfig, context: cluster.context }
}

function resolveHelm(helm: WrittenEvidence['helm']): HelmSettings {
  if (helm === undefined || helm.revisions === 'all') return { kind: 'all' }
  if (helm.revisions === false) return { kind: 'off', reason: helm.reason ?? '' }
  return { kind: 'newest', revisions: helm.revisions }
}
