namespace PgMigration.WalPrefetch;
internal static class WalPush
{
    public static Task RunAsync(string archiveFile, string path, string name, CancellationToken cancel) => throw new NotSupportedException(archiveFile + path + name + cancel);
}
