/** The bytes behind base64url, each as a character. Throws for other text. */
export function decodeBase64Url(text: string): string {
  return atob(text.replace(/-/g, "+").replace(/_/g, "/"));
}
