/** Stands in the bundle for @grpc/grpc-js, of which svctl uses nothing: it would double the time of every command. */
export class Client {}

/** The generated code makes its client classes with it; svctl never uses them. */
export const makeGenericClientConstructor = () => Client;
