// The addon cannot be part of a bundle.
export default { serverExternalPackages: ["@hellojohn/node"] };
