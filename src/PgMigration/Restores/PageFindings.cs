using System.Globalization;
using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>What -Verify found, told once the server is consistent: pages that were wrong when they were restored, and that replay has not overwritten.</summary>
[SupportedOSPlatform("linux")]
internal sealed class PageFindings(PageVerifier verifier, LocalServer server)
{
    // A warning each; what is more than that is a number.
    private const int Shown = 20;

    // A page may be read while the server writes it.
    private const int Readings = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Looks at the suspects again, and tells.</summary>
    /// <param name="target">The server, as its superuser.</param>
    /// <param name="observer">Who is told.</param>
    /// <param name="cancel">Ends it.</param>
    public async Task ReportAsync(PgServer target, IMigrationObserver observer, CancellationToken cancel)
    {
        if (!(await ControlData.ReadAsync(server, cancel)).HasDataChecksums)
        {
            observer.Warning("-Verify: this cluster was made without data checksums, so its pages cannot be verified. Run pg_amcheck on the restored server instead.");
            return;
        }

        var suspects = verifier.Suspects;
        if (suspects.Count > 0)
        {
            await using var session = await target.ConnectAsync(cancel);
            await session.ExecuteAsync("CHECKPOINT", cancel); // on a standby a restartpoint: replayed pages go to disk
        }

        var wrong = new List<SuspectPage>();
        foreach (var page in suspects)
        {
            if (await IsStillWrongAsync(page, cancel))
            {
                wrong.Add(page);
            }
        }

        foreach (var page in wrong.Take(Shown))
        {
            observer.Warning(string.Create(CultureInfo.InvariantCulture,
                $"-Verify: the checksum of page {page.Block} of {page.File} is wrong, and replay has not overwritten it: it was damaged on the source or in the archive. Find its table with pg_filenode_relation, check it with pg_amcheck, and restore another backup if its data matter."));
        }

        if (wrong.Count > Shown)
        {
            observer.Warning(string.Create(CultureInfo.InvariantCulture, $"-Verify: {wrong.Count - Shown} more pages are wrong; all of them are in {RestoreLayout.FolderName}/pages.suspect."));
        }

        observer.Verbose(string.Create(CultureInfo.InvariantCulture,
            $"-Verify: {verifier.Pages:N0} pages were checked while they were restored; {suspects.Count} were wrong then, and {wrong.Count} are so after replay."));
    }

    private async Task<bool> IsStillWrongAsync(SuspectPage page, CancellationToken cancel)
    {
        byte[] content = new byte[PageVerifier.PageSize];
        for (int reading = 0; reading < Readings; reading++)
        {
            if (reading > 0)
            {
                await Task.Delay(Pause, cancel);
            }

            try
            {
                await using var file = new FileStream(Path.Combine(server.DataDirectory, page.File), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
                file.Position = (long)page.Block * PageVerifier.PageSize;
                int read = await file.ReadAtLeastAsync(content, content.Length, throwOnEndOfStream: false, cancel);
                if (read < content.Length || !verifier.IsWrong(page.File, page.Block, content))
                {
                    return false; // replay cut it off, or overwrote it
                }
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
            {
                return false; // dropped since
            }
        }

        return true;
    }
}
