// pg-boss: batches of 500 in one worker, notifications on, finished jobs kept.
import { createRequire } from "node:module";
import { DSN, counter, order, payload, produce } from "./driving.mjs";

const require = createRequire(new URL("../.peers/pg-boss/package.json", import.meta.url));
const { PgBoss } = require("pg-boss");

const boss = new PgBoss({
  connectionString: DSN,
  schedule: false,
  supervise: order.do === "work",
  useListenNotify: order.do === "work",
});
boss.on("error", (error) => console.error(error));
await boss.start();

if (order.do === "work") {
  process.on("SIGTERM", () => process.exit(0));
  const count = counter();
  const latency = "PGQ_BENCH_MOMENTS" in process.env;
  const options = {
    batchSize: latency ? 1 : 500,
    burstWhenBatchFull: !latency,
    pollingIntervalSeconds: 0.5,
    notifyPollingIntervalSeconds: 0.5,
  };
  await boss.work("bench", options, async (jobs) => {
    for (const job of jobs) count(job.data.n);
  });
} else {
  if (order.do === "setup") {
    await boss.createQueue("bench", { notify: true });
  } else {
    await produce(
      (n) => boss.send("bench", payload(n)),
      (numbers) => boss.insert("bench", numbers.map((n) => ({ data: payload(n) }))),
    );
  }
  await boss.stop({ graceful: false });
  process.exit(0);
}
