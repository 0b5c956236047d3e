// Graphile Worker: a local queue of 2,000 jobs, completions batched, jobs deleted when done.
import { createRequire } from "node:module";
import { DSN, counter, order, payload, produce } from "./driving.mjs";

const require = createRequire(new URL("../.peers/graphile-worker/package.json", import.meta.url));
const { Logger, makeWorkerUtils, run } = require("graphile-worker");
const logger = new Logger(() => () => {});

if (order.do === "work") {
  process.on("SIGTERM", () => process.exit(0));
  const count = counter();
  const throughput = { localQueue: { size: 2000 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
  const latency = "PGQ_BENCH_MOMENTS" in process.env;
  await run({
    connectionString: DSN,
    noHandleSignals: true,
    logger,
    taskList: { bench: async ({ n }) => count(n) },
    preset: {
      worker: { concurrentJobs: latency ? 10 : 24, ...(latency ? {} : throughput) },
    },
  });
} else {
  const utils = await makeWorkerUtils({ connectionString: DSN, logger });
  if (order.do === "setup") {
    await utils.migrate();
  } else {
    await produce(
      (n) => utils.addJob("bench", payload(n)),
      (numbers) =>
        utils.addJobs(numbers.map((n) => ({ identifier: "bench", payload: payload(n) }))),
    );
  }
  await utils.release();
}
