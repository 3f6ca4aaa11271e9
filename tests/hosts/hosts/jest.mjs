// Jest runs each file in a realm of its own, jsdom takes Node's globals away, fake timers replace them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MODULES, ROOT, readVersion, run } from "../tools.mjs";

const version = readVersion("jest");
const jsdom = `${version}, jsdom ${readVersion("jsdom")}`;

function writeTests(folder) {
  const exercise = JSON.stringify(join(ROOT, "programs/exercise.cjs"));
  const hellojohn = JSON.stringify(join(MODULES, "@hellojohn/node"));
  // Two files, so that one worker process loads the package twice.
  for (const name of ["first", "second"]) {
    writeFileSync(
      join(folder, `${name}.test.js`),
      `const hellojohn = require(${hellojohn});
const { exercise } = require(${exercise});
test("the program runs", async () => {
  expect(await exercise(hellojohn, ${JSON.stringify(join(folder, `${name}.db`))})).toBe("the program ran");
  const hj = new hellojohn.HelloJohn({ tenantId: "tnt_a", secretKey: "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA", database: ":memory:" });
  const claims = { plan: { seats: [1] } };
  const { session, accessToken } = await hj.sessions.create({ userId: "usr_1", claims });
  // Equal in this realm: the same kinds of objects.
  expect(session.claims).toStrictEqual(claims);
  expect((await hj.sessions.get(session.id)).claims).toStrictEqual(claims);
  expect((await hj.verifyTokenRemote(accessToken)).payload.plan).toStrictEqual(claims.plan);
  expect(session.createdAt).toBeInstanceOf(Date);
  await expect(hj.sessions.get("ses_x")).rejects.toThrow(hellojohn.HelloJohnError);
  await expect(hj.sessions.get("ses_x")).rejects.toBeInstanceOf(Error);
  await hj.close();
}, 60_000);
`,
    );
  }
}

function runJest(folder, config) {
  writeTests(folder);
  writeFileSync(
    join(folder, "jest.config.json"),
    JSON.stringify({ rootDir: folder, transform: {}, ...config }),
  );
  const args = [
    join(MODULES, "jest/bin/jest.js"),
    "--config",
    join(folder, "jest.config.json"),
    "--runInBand",
  ];
  run(process.execPath, [...args, "--no-cache"], { cwd: ROOT });
}

const environment = (name) => join(MODULES, name);

export const hosts = [
  {
    name: "Jest",
    version,
    way: "CommonJS, the environment of Node",
    test: ({ folder }) => runJest(folder, { testEnvironment: "node" }),
  },
  {
    name: "Jest",
    version: jsdom,
    way: "CommonJS, the environment of jsdom",
    test: ({ folder }) => runJest(folder, { testEnvironment: environment("jest-environment-jsdom") }),
  },
  {
    name: "Jest",
    version,
    way: "`fakeTimers.enableGlobally`",
    test: ({ folder }) => runJest(folder, { testEnvironment: "node", fakeTimers: { enableGlobally: true } }),
  },
];
