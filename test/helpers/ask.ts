/**
 * Asks a my_init from within the process of the test, by the client library that svctl is built on:
 * a process for each question takes a tenth of a second of CPU.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { connect, GetInfoResponse, type MyInit, MyInitError, Service } from '../../clients/typescript/src/index.js';

/**
 * As long as a svctl takes to start. A test kills a process and looks for the effect, which takes
 * init and the controller a moment.
 */
const PAUSE_MS = 100;

/** A service as `svctl status -o jsonl` prints it. */
export type Status = Record<string, unknown> & { readonly state: string; readonly pid: number };

/** The service; an empty object while there is none, or no answer. */
export async function statusOf(socket: string, name: string): Promise<Status> {
  const services = await ask(socket, (my) => my.services(name));
  return JSON.parse(JSON.stringify(services?.[0] === undefined ? {} : Service.toJSON(services[0])));
}

/** Services by their names or a pattern, or all; undefined while there is no answer. */
export async function statusesOf(socket: string, names?: string): Promise<readonly Status[] | undefined> {
  const services = await ask(socket, (my) => my.services(names));
  return services && JSON.parse(JSON.stringify(services.map((service) => Service.toJSON(service))));
}

/** The output of `svctl info -o json`; an empty object while there is no answer. */
export async function infoOf(socket: string) {
  const info = await ask(socket, (my) => my.info());
  return JSON.parse(JSON.stringify(info === undefined ? {} : GetInfoResponse.toJSON(info)));
}

/** The answer; undefined where my_init refuses, or does not answer. */
async function ask<Answer>(socket: string, question: (my: MyInit) => Promise<Answer>): Promise<Answer | undefined> {
  await delay(PAUSE_MS);
  const my = connect(socket);
  try {
    return await question(my);
  } catch (error) {
    if (error instanceof MyInitError) return undefined;
    throw error;
  } finally {
    my.close();
  }
}
