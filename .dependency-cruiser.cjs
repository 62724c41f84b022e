/** The directions of import. Each rule says why it exists; ARCHITECTURE.md draws the picture. */
module.exports = {
  forbidden: [
    {
      name: 'core-is-pure',
      comment:
        'core decides and never does: it may import itself and two pure libraries (RE2 matching, semver order).',
      severity: 'error',
      from: { path: '^src/core', pathNot: '\\.test\\.ts$' },
      to: { pathNot: ['^src/core', '^node_modules/(re2js|semver|@types/semver)/'] },
    },
    {
      name: 'ports-know-only-core',
      comment: 'ports are the words core and adapters share; anything more would tie use cases to a vendor.',
      severity: 'error',
      from: { path: '^src/ports' },
      to: { pathNot: ['^src/core', '^src/ports'] },
    },
    {
      name: 'app-knows-no-vendor',
      comment: 'use cases join core to ports; an adapter in here could be used without its port.',
      severity: 'error',
      from: { path: '^src/app', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/(adapters|config|cli|server)' },
    },
    {
      name: 'planning-cannot-delete',
      comment:
        'only these use cases are ever handed something that changes a registry; link* adds records beside images, through a port that removes nothing.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [
          '^src/adapters',
          '^src/compose[a-z-]*\\.ts$',
          '^src/app/(apply|undo|sweep|link)[a-z-]*\\.ts$',
          '^src/ports',
          '\\.test\\.ts$',
        ],
      },
      to: { path: '^src/ports/mutable-' },
    },
    {
      name: 'only-collect-asks-collectors',
      comment:
        "what a registry's own collector frees cannot be put back; only these use cases are ever handed one.",
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [
          '^src/adapters',
          '^src/compose[a-z-]*\\.ts$',
          '^src/app/collect[a-z-]*\\.ts$',
          '^src/ports',
          '\\.test\\.ts$',
        ],
      },
      to: { path: '^src/ports/registry-collector' },
    },
    {
      name: 'adapters-do-not-know-each-other',
      comment: 'a driver that leans on another family cannot be replaced; all may use adapters/http.',
      severity: 'error',
      from: { path: '^src/adapters/([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/adapters/([^/]+)/', pathNot: ['^src/adapters/$1/', '^src/adapters/http/'] },
    },
    {
      name: 'adapters-serve-ports',
      comment: 'adapters implement ports over core types; configuration reaches them resolved, as arguments.',
      severity: 'error',
      from: { path: '^src/adapters', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/(app|config|cli|server|compose[a-z-]*\\.ts)' },
    },
    {
      name: 'config-knows-core',
      comment: 'the configuration file becomes core types; it starts nothing.',
      severity: 'error',
      from: { path: '^src/config', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/(app|adapters|cli|server|compose[a-z-]*\\.ts)' },
    },
    {
      name: 'only-compose-and-cli-meet-adapters',
      comment: 'compose.ts is the one place where adapters meet use cases.',
      severity: 'error',
      from: { path: '^src/(cli|server)', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/adapters' },
    },
    {
      name: 'no-cycles',
      comment: 'a cycle hides which of two files is the base.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
}
