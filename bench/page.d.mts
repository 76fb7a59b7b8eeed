export function report(run: unknown): { page: string; picture: string };
