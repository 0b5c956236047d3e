// A job's life through node's driver: named arguments, parameters of every kind, no casts.
// Prints one JSON object; the test reads it.

const { Client } = require("pg");

async function main(host, port, user, database) {
  const client = new Client({ host, port: Number(port), user, database });
  await client.connect();
  const row = async (text, values) => (await client.query(text, values)).rows[0];

  const seen = {};
  const made = await row(
    `select pgq.enqueue('email', $1, queue => $2, priority => $3, delay => $4, max_attempts => $5,
       unique_key => $6, on_conflict => $7, headers => $8) as id`,
    [{ user_id: 1, name: "Ünï" }, "mail", 5, "0 seconds", 3, "k", "return", { trace: "x" }],
  );
  seen.again = (
    await row("select pgq.enqueue('email', unique_key => $1) as id", ["k"])
  ).id === made.id;

  const many = await client.query("select * from pgq.enqueue_many($1)", [
    JSON.stringify([{ task: "a", args: [1, 2] }, { task: "b", queue: "mail" }]),
  ]);
  seen.many = many.rows.map((one) => one.created);

  seen.worker = (
    await row("select pgq.register_worker($1, $2, concurrency => $3, lease => $4) as id", [
      "node", ["mail", "*"], 4, "10 seconds",
    ])
  ).id;
  const claimed = await client.query(
    "select * from pgq.claim_batch($1, $2, batch_size => $3)",
    [["mail", "*"], seen.worker, 10],
  );
  seen.tasks = claimed.rows.map((one) => one.task);
  seen.args = claimed.rows.find((one) => one.task === "email").args;
  const ids = claimed.rows.map((one) => one.job_id);
  const claimIds = claimed.rows.map((one) => one.claim_id);

  seen.orders = (
    await client.query("select * from pgq.heartbeat($1, $2, $3)", [seen.worker, ids, claimIds])
  ).rows.length;
  const done = await client.query("select * from pgq.complete_batch($1, $2, results => $3)", [
    ids.slice(0, 1), claimIds.slice(0, 1), [JSON.stringify({ sent: true })],
  ]);
  seen.done = done.rows.map((one) => one.outcome);
  const failed = await client.query(
    `select * from pgq.fail_batch($1, $2, messages => $3, error_types => $4, final => $5)`,
    [ids.slice(1, 2), claimIds.slice(1, 2), ["boom"], ["Error"], [true]],
  );
  seen.failed = failed.rows.map((one) => one.state);
  const snoozed = await client.query("select * from pgq.snooze_batch($1, $2, $3)", [
    ids.slice(2), claimIds.slice(2), ["5 minutes"],
  ]);
  seen.snoozed = snoozed.rows.map((one) => one.state);
  seen.cancelled = (await row("select * from pgq.cancel($1)", [ids.slice(2)])).outcome;

  try {
    await client.query("select pgq.enqueue($1)", [""]);
  } catch (error) {
    seen.error = [error.code, error.message, Boolean(error.hint)];
  }
  seen.wrong = (await client.query("select * from pgq.verify()")).rows.length;
  await client.end();
  console.log(JSON.stringify(seen));
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
