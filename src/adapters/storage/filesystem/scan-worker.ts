/** A thread that scans: takes a request, answers it, waits for the next. Ends when its owner ends it. */
import { parentPort } from 'node:worker_threads'
import { answer, type ScanRequest } from './scan-task.ts'

parentPort?.on('message', (request: ScanRequest) => {
  parentPort?.postMessage(answer(request))
})
