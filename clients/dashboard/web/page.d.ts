/** The page, put together by clients/dashboard/bundle-page.mjs. */
declare module 'dashboard-page' {
  export const page: string;
  export const script: string;
  export const style: string;
}
