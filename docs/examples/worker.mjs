// A worker for pgq in Node: `npm install pg`, set PGQ_DSN, and put your handlers into `tasks`.
// docs/worker-protocol.md says why it does what it does; `pgq conformance` checks that it does.
import os from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

const env = process.env
const schema = pg.escapeIdentifier(env.PGQ_SCHEMA ?? 'pgq')
const channel = pg.escapeIdentifier(`${env.PGQ_SCHEMA ?? 'pgq'}_jobs`)
const queues = (env.PGQ_WORKER_QUEUES ?? '*').split(',')
const name = env.PGQ_WORKER_NAME ?? `${os.hostname()}:${process.pid}`
const concurrency = Number(env.PGQ_WORKER_CONCURRENCY ?? 10)
const lease = parseFloat(env.PGQ_WORKER_LEASE ?? '30s')
const poll = parseFloat(env.PGQ_WORKER_POLL_INTERVAL ?? '2s')

// A handler gets the job's args, and a signal that is aborted when the job must stop.
const tasks = {
  'conformance.echo': async (args) => args,
  'conformance.fail': async ({ message }) => { throw new Error(message) },
  'conformance.sleep': async ({ seconds }, signal) =>
    sleep(seconds * 1000, Date.now() / 1000, { signal })
      .then((began) => ({ began, ended: Date.now() / 1000 })),
}

let workerId, backendPid, registering
let stopping = false, paused = false
let dueAt = 0 // when to promote; in ms, as Date.now()
let unansweredUntil = 0 // until when a claim whose answer was lost may still be made
const running = new Set() // of { job, control, why }
let ended = [] // outcomes that the database does not know yet
let mayClaim = true // whether there may be ready jobs: somebody told, or there is room again
let nudged = false, rouse = () => {}
const wake = (claims = true) => { mayClaim ||= claims; nudged = true; rouse() }

// A session that connects again by itself. A call that fails with the connection is not repeated.
class Session {
  constructor(connected = async () => {}) { this.connected = connected }
  async query(text, values) {
    if (!this.client) {
      const client = new pg.Client(env.PGQ_DSN)
      client.on('error', () => this.drop(client))
      await client.connect()
      await this.connected(client)
      this.client = client
    }
    const client = this.client
    return client.query(text.replaceAll('pgq.', `${schema}.`), values).then(({ rows }) => rows,
      (error) => {
        if (!error.code || /^(08|25|57)/.test(error.code)) this.drop(client)
        throw error
      })
  }
  drop(client) {
    if (this.client === client) this.client = undefined
    client.end().catch(() => {})
    wake()
  }
}
const work = new Session()
const vigil = new Session(async (client) => { // listens, and sends the heartbeats
  const hear = (payload) => { if (!payload) dueAt = 0; wake() }
  client.on('notification', ({ payload }) => hear(payload))
  await client.query(`listen ${channel}`)
  backendPid = (await client.query('select pg_backend_pid() as pid')).rows[0].pid
  hear('') // notifications were missed
})

// Both loops may find that the worker was given up: only one of them registers anew.
async function register(instead) {
  if (workerId !== instead) return
  registering ??= work.query(
    `select pgq.register_worker(name => $1, queues => $2, tasks => $3, concurrency => $4,
       lease => make_interval(secs => $5), host => $6, pid => $7, version => 'node',
       backend_pid => $8, protocol => 2, clock => $9) as id`,
    [name, queues, Object.keys(tasks), concurrency, lease, os.hostname(), process.pid, backendPid,
      new Date()]).then(([row]) => { workerId = row.id })
  await registering.finally(() => { registering = undefined })
}

async function beat() {
  const id = workerId
  const held = [...new Map([...ended, ...running].map(({ job }) => [job.job_id, job])).values()]
  const orders = await vigil.query('select * from pgq.heartbeat($1, $2, $3, $4)',
    [id, held.map((job) => job.job_id), held.map((job) => job.claim_id), backendPid])
  const isTold = (word) => orders.some((one) => one.job_id === null && one.instruction === word)
  if (isTold('lost')) await register(id)
  paused = isTold('pause')
  stopping ||= isTold('stop')
  for (const run of running) {
    const order = held.includes(run.job) && orders.find((one) => one.job_id === run.job.job_id)
    if (order) { run.why ??= order.instruction; run.control.abort() }
  }
  wake()
}

function start(job) {
  const control = new AbortController(), run = { job, control, why: undefined }
  const stop = () => { run.why ??= 'timeout'; control.abort() }
  const late = job.timeout && setTimeout(stop, Math.min(job.timeout * 1000, 2 ** 31 - 1))
  for (const old of running) if (old.job.job_id === job.job_id) old.control.abort() // it was lost
  running.add(run)
  Promise.resolve().then(() => tasks[job.task](job.args, control.signal)).then(
    (result) => ended.push({ job, result: result === undefined ? null : JSON.stringify(result) }),
    (error) => ended.push({ job, error, why: run.why }),
  ).finally(() => { clearTimeout(late); running.delete(run); wake() })
}

// Repeated until it is answered: what was settled before answers "already".
async function settle() {
  const text = (value) => String(value).replaceAll('\0', '')
  const some = ended.slice(0, 500)
  const done = some.filter((one) => !one.error), failed = some.filter((one) => one.error)
  const ids = (list) => [list.map(({ job }) => job.job_id), list.map(({ job }) => job.claim_id)]
  await work.query('select pgq.complete_batch($1, $2, $3)',
    [...ids(done), done.map((one) => one.result)])
  await work.query('select pgq.fail_batch($1, $2, $3, $4, $5, cancel => $6)', [...ids(failed),
    failed.map((one) => text(one.why === 'timeout' ? 'ran for too long' : one.error.message)),
    failed.map((one) => text(one.why === 'timeout' ? 'Timeout' : one.error.name)),
    failed.map((one) => text(one.error.stack)),
    failed.map((one) => one.why === 'cancel')])
  ended = ended.slice(some.length)
  if (failed.length) dueAt = 0 // a retry may be due soon
}

async function promote() {
  dueAt = Date.now() + poll * 1000
  const [row] = await work.query(`select extract(epoch from
      least(fired.next_run_at, promoted.next_due_at) - clock_timestamp())::float8 as seconds
    from pgq.fire_due_schedules() as fired, pgq.promote_due() as promoted`)
  if (row.seconds !== null) dueAt = Math.min(dueAt, Date.now() + Math.max(10, row.seconds * 1000))
}

async function claim() {
  const id = workerId
  if (unansweredUntil) {
    const known = [...running, ...ended].map(({ job }) => job.claim_id)
    if (Date.now() > unansweredUntil) unansweredUntil = 0
    await work.query('select pgq.release_unanswered($1, $2)', [id, known])
  }
  try {
    const jobs = await work.query(
      `select job_id, claim_id, task, args, extract(epoch from timeout)::float8 as timeout
       from pgq.claim_batch($1, $2, $3, $4)`,
      [queues, id, concurrency - running.size, Object.keys(tasks)])
    jobs.forEach(start)
    return jobs.length
  } catch (error) {
    if (error.code === 'JQ004') await register(id) // given up meanwhile
    else unansweredUntil = Date.now() + lease * 1000
    throw error
  }
}

async function vigilLoop() {
  let beatAt = 0
  for (;;) {
    try {
      if (Date.now() >= beatAt || !vigil.client) {
        await beat()
        beatAt = Date.now() + lease * 1000 / 6
      }
      await vigil.query('select pgq.maintain()')
    } catch (error) { console.error('vigil:', error.message) }
    await sleep(Math.min(1000, lease * 1000 / 6), null, { ref: false })
  }
}

async function main() {
  for (;;) {
    try { await vigil.query('select 1'); await register(); break } catch (error) {
      console.error('start:', error.message)
      await sleep(500)
    }
  }
  vigilLoop()
  while (!(stopping && running.size === 0 && ended.length === 0)) {
    nudged = false
    try {
      if (ended.length) await settle()
      if (!stopping && Date.now() >= dueAt) { await promote(); mayClaim = true }
      if (mayClaim && !stopping && !paused && running.size < concurrency) {
        mayClaim = await claim() > 0
        continue
      }
    } catch (error) {
      console.error('work:', error.message)
      await sleep(200).then(() => wake())
    }
    if (nudged || ended.length) continue
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(10, Math.min(dueAt - Date.now(), poll * 1000)))
      rouse = () => { clearTimeout(timer); resolve() }
    })
  }
  await work.query('select pgq.deregister_worker($1, $2)', [workerId, []]).catch(() => {})
  process.exit(0)
}

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => { stopping = true; wake() })
main()
