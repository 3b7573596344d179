/** Set-up of the project "fast": its tests start no server and no other process, so that they stay fast. */
import childProcess from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'
import { Server } from 'node:net'
import workerThreads from 'node:worker_threads'

export const REFUSAL =
  'Tests of the project "fast" start no server and no other process. Move this one to a folder that vitest.config.ts does not call fast.'

function refuse(): never {
  throw new Error(REFUSAL)
}

Server.prototype.listen = refuse
Object.assign(childProcess, {
  exec: refuse,
  execFile: refuse,
  execFileSync: refuse,
  execSync: refuse,
  fork: refuse,
  spawn: refuse,
  spawnSync: refuse,
})
Object.assign(workerThreads, { Worker: refuse })
// Makes `import { spawn } from 'node:child_process'` see it as well.
syncBuiltinESMExports()
