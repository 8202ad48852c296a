module.exports = {
  defaultNetwork: "mutirao",
  networks: {
    mutirao: { url: process.env.MUTIRAO_RPC, accounts: [process.env.MUTIRAO_KEY], chainId: 8021 },
  },
};
