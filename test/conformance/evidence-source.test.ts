import { startFakeKubernetes } from '../fake-kubernetes/fake-kubernetes.ts'
import { missing, titled } from '../servers/find.ts'
import { startKubeApiserver } from '../servers/kube-apiserver.ts'
import { evidenceSourceSuite } from './evidence-source.ts'

evidenceSourceSuite('a cluster in this process, with aggregated discovery', () => startFakeKubernetes())
evidenceSourceSuite('a cluster in this process, with the older discovery', () =>
  startFakeKubernetes({ aggregated: false }),
)

const needed = ['kube-apiserver', 'etcd'] as const
evidenceSourceSuite(
  titled('a real kube-apiserver', ...needed),
  () => startKubeApiserver(),
  missing(...needed) !== undefined,
)
