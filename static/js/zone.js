// Tells the server the browser's time zone, in which times are shown to whoever has chosen none.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const kept = `ally_zone=${zone}`;
if (zone && !document.cookie.split("; ").includes(kept)) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${kept}; path=/; max-age=31536000; samesite=lax${secure}`;
}
