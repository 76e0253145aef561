namespace PgMigration;

/// <summary>Where libpq looks for the files of the user who runs it: the home folder, or %APPDATA%\postgresql on Windows.</summary>
internal static class UserFiles
{
    public static string InHome(string nameOnUnix, string nameOnWindows) => OperatingSystem.IsWindows()
        ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), "postgresql", nameOnWindows)
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), nameOnUnix);
}
