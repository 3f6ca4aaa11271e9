// Pages that a Nest server renders for signed-in users, by cookies alone. Compile it, then run it:
//
//   make node && npx tsc --project examples/nest && node build/examples/nest/server.mjs sessions.db localhost:8787
import "reflect-metadata";
import type { Auth } from "@hellojohn/node";
import { createNestAuth } from "@hellojohn/node/nest";
import * as nest from "@nestjs/common";
import { Controller, Get, Header, Module, Post, Redirect } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { account, closeOnSignal, home, open, readAddress } from "../pages.mjs";

const { database, hostname, port } = readAddress();
const hj = open(database);
const { CurrentAuth, RequireAuth } = createNestAuth(hj, nest);

@Controller()
class PagesController {
  @Get()
  @Header("content-type", "text/html; charset=utf-8")
  @RequireAuth({ optional: true })
  home(@CurrentAuth() auth: Auth | null) {
    return home(auth);
  }

  @Get("account")
  @Header("content-type", "text/html; charset=utf-8")
  @RequireAuth()
  async account(@CurrentAuth() auth: Auth) {
    return account(auth, await hj.sessions.list(auth.userId, { status: "active" }));
  }

  // A plain form may send this: the guard lets it pass from pages of this host only.
  @Post("account/revoke-others")
  @Redirect("/account", 303)
  @RequireAuth({ refuseActor: true })
  async revokeOthers(@CurrentAuth() auth: Auth) {
    await hj.sessions.revokeAll(auth.userId, { except: auth.sessionId });
  }

  @Get("admin")
  @RequireAuth({ role: "admin", mfa: true, maxAge: "5m" })
  admin() {
    return "for admins who have just passed a second factor";
  }
}

@Module({ controllers: [PagesController] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ["error", "warn"] });
app.use(hj.middleware());
await app.listen(port, hostname);
console.log(`listening on http://${hostname}:${app.getHttpServer().address().port}`);
closeOnSignal(async () => {
  await app.close();
  await hj.close();
});
