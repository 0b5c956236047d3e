// What the Node peers' drivers share: driving.py in JavaScript. The ledger is that of
// pgq/bench/ledger.py, written by position; a process remembers its own counts.
import fs from "node:fs";
import readline from "node:readline";

const SLOTS = 64;
const HEADER = SLOTS * 24;

export const DSN = process.env.PGQ_BENCH_DSN;
export const order = JSON.parse(process.argv.at(-1));
export const payload = (n) => ({ n, email: "user@example.com" });
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(1), 500).unref();
const now = () => process.hrtime.bigint();

export function counter() {
  const file = fs.openSync(process.env.PGQ_BENCH_LEDGER, "r+");
  const jobs = Number((BigInt(fs.fstatSync(file).size) - BigInt(HEADER)) / 9n);
  const slot = Number(process.env.PGQ_BENCH_SLOT) * 24;
  const moments = "PGQ_BENCH_MOMENTS" in process.env;
  const counts = Buffer.alloc(jobs);
  const header = Buffer.alloc(16);
  const moment = Buffer.alloc(8);
  let runs = 0;
  let dirty = [];

  // Written once per turn of the event loop, neighbours in one piece: a write per job would cost
  // more than many a queue does.
  function flush() {
    dirty.sort((a, b) => a - b);
    for (let from = 0; from < dirty.length; ) {
      let to = from;
      while (to + 1 < dirty.length && dirty[to + 1] <= dirty[to] + 1) to++;
      const [first, last] = [dirty[from], dirty[to]];
      fs.writeSync(file, counts, first, last - first + 1, HEADER + first);
      from = to + 1;
    }
    dirty = [];
    header.writeBigInt64LE(BigInt(runs), 8);
    fs.writeSync(file, header, 0, 16, slot);
  }

  return (n) => {
    if (moments) {
      moment.writeBigInt64LE(now());
      fs.writeSync(file, moment, 0, 8, HEADER + jobs + 8 * n);
    }
    if (!runs) header.writeBigInt64LE(now(), 0);
    runs++;
    counts[n] = Math.min(255, counts[n] + 1);
    if (!dirty.length) setImmediate(flush);
    dirty.push(n);
  };
}

export async function produce(one, many) {
  const lines = readline.createInterface({ input: process.stdin });
  console.log("ready");
  await new Promise((resolve) => lines.once("line", resolve));
  lines.close();
  const committed = [];
  const began = now();
  const end = order.first + order.jobs;
  if (order.do === "bulk") {
    for (let at = order.first; at < end; at += order.batch) {
      const size = Math.min(order.batch, end - at);
      await many(Array.from({ length: size }, (_, place) => at + place));
    }
  } else {
    for (let n = order.first; n < end; n++) {
      if (order.do === "latency") {
        await new Promise((resolve) => setTimeout(resolve, 30 + 30 * Math.random()));
      }
      await one(n);
      committed.push(now());
    }
  }
  const said = { jobs: order.jobs, began: Number(began), ended: Number(now()) };
  if (order.do === "latency") said.committed = committed.map(Number);
  console.log(JSON.stringify(said));
}
