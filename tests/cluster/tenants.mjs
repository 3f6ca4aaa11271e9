// What the hosts and the load agree on.

/** How long a call waits for a server that takes writes: longer than a takeover takes. */
export const BUSY_TIMEOUT = "2m";

export const TENANTS = [
  { tenantId: "tnt_window", secretKey: "sk_live_cluster_8Kc4Xw7Nt2Qz6B" },
  {
    tenantId: "tnt_no_window",
    secretKey: "sk_live_cluster_2Lq9Yb3Vn5Rt7M",
    config: { refreshReuseWindow: "0s" },
  },
];
