using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>
/// Writes how the restored server reaches the archive, and proves before the restore begins that the server's own OS user can make the credentials:
/// it reads neither the environment nor the home of the user who runs the restore.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class ServerCredentials(RestoreLayout layout, DataDirectoryFiles files, OSUser user)
{
    /// <summary>Writes <c>archive.json</c>. Credentials that only this user can make are replaced by the keys that they make now, with a warning.</summary>
    /// <exception cref="MigrationException">As <see cref="ArchiveAccess.ForAnotherUser"/>.</exception>
    public async Task InstallAsync(ArchiveAccess archive, IMigrationObserver observer, CancellationToken cancel)
    {
        var portable = archive.ForAnotherUser(observer);
        Save(portable);
        if (!portable.Location.IsS3 || portable.HasKeys || await FailureAsync(cancel) is not { } failure)
        {
            return;
        }

        var (keys, ends) = await archive.WithKeysOfNowAsync();
        Save(keys);
        string until = ends is { } time ? $"until {time.ToString("u", CultureInfo.InvariantCulture)}" : "for as long as those are valid";
        observer.Warning($"The server's user {user.Name} cannot make the credentials of {archive.Location} by itself: {failure} It gets the keys that you have now, and sees new WAL {until}. Before that, run this command again, which gives it new ones; or use an access key that lasts, or an instance role, with which it renews them itself.");
    }

    private void Save(ArchiveAccess access)
    {
        access.Save(layout.ArchiveFile);
        files.Own(layout.ArchiveFile);
    }

    /// <summary>Lets the server's user make them. Returns why it cannot; null when it can.</summary>
    private async Task<string?> FailureAsync(CancellationToken cancel)
    {
        string program = Path.Combine(layout.DataDirectory, RestorePrograms.InstalledPrefetch);
        var start = user.Command(program, ["credentials", layout.ArchiveFile]);
        start.WorkingDirectory = layout.DataDirectory;
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        InheritedSecrets.Remove(start); // after a restart of the machine it has no other environment either
        using var process = Process.Start(start)!;
        try
        {
            process.StandardInput.Close();
            var errors = process.StandardError.ReadToEndAsync(cancel);
            _ = await process.StandardOutput.ReadToEndAsync(cancel);
            await process.WaitForExitAsync(cancel);
            string said = (await errors).Trim();
            return process.ExitCode == 0 ? null : said.StartsWith("pgmigration-walprefetch: ", StringComparison.Ordinal) ? said[25..] : said;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
